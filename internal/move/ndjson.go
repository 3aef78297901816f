package move

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/store"
)

// An export is lines of JSON, each ended by a newline:
//
//	{"talix":"events","format":1,"export":"…","store":"…","partitions":1,"filter":{},"time":"…"}
//	{"id":"…","entity":"document","entityId":"d1","version":1,…,"data":{…},"sum":"1f2e3d4c"}
//	{"end":true,"events":1,"checksum":"sha256:…"}
//
// docs/guide/moving-data.md tells what each field means. The sum of a line is
// the CRC-32C of its bytes before the comma of the sum, and need not be there;
// the checksum is of all bytes before the last line.

// format is the version of what is written.
const format = 1

type header struct {
	Talix      string    `json:"talix"`
	Format     int       `json:"format"`
	Export     store.ID  `json:"export"` // names the export
	Store      store.ID  `json:"store"`
	Partitions int       `json:"partitions"`
	Filter     Filter    `json:"filter,omitzero"`
	Time       time.Time `json:"time"`
}

type trailer struct {
	End      bool   `json:"end"`
	Events   int64  `json:"events"`
	Checksum string `json:"checksum"`
}

// eventLine is an event as it is read. Fields whose name ends in 64 are in the
// place of the others where those could not say the same in JSON.
type eventLine struct {
	ID          store.ID        `json:"id"`
	Entity      string          `json:"entity"`
	Entity64    []byte          `json:"entity64"`
	EntityID    string          `json:"entityId"`
	EntityID64  []byte          `json:"entityId64"`
	Version     store.Version   `json:"version"`
	Partition   store.Partition `json:"partition"`
	Position    store.Position  `json:"position"`
	Type        string          `json:"type"`
	Type64      []byte          `json:"type64"`
	Schema      int             `json:"schema"`
	Time        time.Time       `json:"time"`
	Micros      *int64          `json:"micros"`
	Command     store.ID        `json:"command"`
	Correlation store.ID        `json:"correlation"`
	Causation   store.ID        `json:"causation"`
	Metadata    json.RawMessage `json:"metadata"`
	Metadata64  []byte          `json:"metadata64"`
	Data        json.RawMessage `json:"data"`
	Data64      []byte          `json:"data64"`
	Sum         string          `json:"sum"`
	End         bool            `json:"end"`
}

// appendEvent appends an event's line, with its newline.
func appendEvent(b []byte, e *store.Event) []byte {
	start := len(b)
	b = append(b, `{"id":"`...)
	b = append(b, e.ID.String()...)
	b = appendText(append(b, '"'), "entity", e.Stream.Type)
	b = appendText(b, "entityId", e.Stream.ID)
	b = appendInt(b, "version", int64(e.Version))
	b = appendInt(b, "partition", int64(e.Partition))
	b = appendInt(b, "position", int64(e.Position))
	b = appendText(b, "type", e.Type)
	b = appendInt(b, "schema", int64(e.Schema))
	b = appendTime(b, e.Time)
	for _, id := range [...]struct {
		name string
		id   store.ID
	}{{"command", e.Command}, {"correlation", e.Correlation}, {"causation", e.Causation}} {
		if !id.id.IsZero() {
			b = append(append(append(b, `,"`+id.name+`":"`...), id.id.String()...), '"')
		}
	}
	b = appendBytes(b, "metadata", e.Metadata)
	b = appendBytes(b, "data", e.Data)
	return fmt.Appendf(b, `,"sum":"%08x"}`+"\n", crc32.Checksum(b[start:], castagnoli()))
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(append(b, `,"`+name+`":`...), n, 10)
}

func appendText(b []byte, name, text string) []byte {
	if !utf8.ValidString(text) {
		return appendBase64(b, name, []byte(text))
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic(err) // it is a text
	}
	return append(append(b, `,"`+name+`":`...), quoted...)
}

func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC().Truncate(time.Microsecond)
	if y := t.Year(); y < 0 || y > 9999 {
		return appendInt(b, "micros", t.UnixMicro())
	}
	return append(t.AppendFormat(append(b, `,"time":"`...), time.RFC3339Nano), '"')
}

// appendBytes writes JSON as it is, byte for byte, where that can be read back.
func appendBytes(b []byte, name string, data []byte) []byte {
	if len(data) == 0 {
		return b
	}
	if bytes.ContainsAny(data, "\n\r") || len(bytes.TrimSpace(data)) != len(data) || !utf8.Valid(data) || !json.Valid(data) {
		return appendBase64(b, name, data)
	}
	return append(append(b, `,"`+name+`":`...), data...)
}

func appendBase64(b []byte, name string, data []byte) []byte {
	quoted, err := json.Marshal(data)
	if err != nil {
		panic(err) // they are bytes
	}
	return append(append(b, `,"`+name+`64":`...), quoted...)
}

var (
	errSum      = errors.New("it was damaged: its sum does not match")
	errNoEntity = errors.New("it names no entity")
	errNoPlace  = errors.New("versions and schemas begin with one")
)

// parseEvent reads a line, which is not changed; end: it is the last one.
func parseEvent(text []byte) (e store.Event, end bool, err error) {
	var l eventLine
	if err := json.Unmarshal(text, &l); err != nil {
		return e, false, err
	}
	if l.End {
		return e, true, nil
	}
	if i := bytes.LastIndex(text, []byte(`,"sum":"`)); l.Sum != "" && i > 0 && fmt.Sprintf("%08x", crc32.Checksum(text[:i], castagnoli())) != l.Sum {
		return e, false, errSum
	}
	e = store.Event{
		ID: l.ID, Stream: store.Stream{Type: either(l.Entity, l.Entity64), ID: either(l.EntityID, l.EntityID64)}, Version: l.Version,
		Partition: l.Partition, Position: l.Position, Type: either(l.Type, l.Type64), Schema: l.Schema, Time: l.Time.UTC(),
		Command: l.Command, Correlation: l.Correlation, Causation: l.Causation, Metadata: l.Metadata64, Data: l.Data64,
	}
	if l.Micros != nil {
		e.Time = time.UnixMicro(*l.Micros).UTC()
	}
	if l.Metadata != nil {
		e.Metadata = l.Metadata
	}
	if l.Data != nil {
		e.Data = l.Data
	}
	switch {
	case e.Stream.Type == "" || e.Stream.ID == "":
		err = errNoEntity
	case e.Version < 1 || e.Schema < 0:
		err = errNoPlace
	}
	return e, false, err
}

func either(text string, b []byte) string {
	if b != nil {
		return string(b)
	}
	return text
}

// parseHeader reads the first line.
func parseHeader(text []byte) (h header, err error) {
	if err = json.Unmarshal(text, &h); err == nil && h.Talix != "events" {
		err = errors.New("this is no export of events: its first line does not say \"talix\":\"events\"")
	}
	if err == nil && h.Format != format {
		err = fmt.Errorf("it has format %d, and this release knows %d: use the release that wrote it, or a newer one", h.Format, format)
	}
	return h, err
}
