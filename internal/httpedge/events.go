package httpedge

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/talix-dev/talix/internal/registry"
)

// comeBack tells a browser after how many milliseconds to reconnect.
const comeBack = 1000

// events answers with what a live query has and how it changes, as server-sent
// events, until the caller goes away.
func (x *exchange) events(in any) error {
	x.req.Resume = x.r.Header.Get("Last-Event-ID")
	var w *wire
	defer func() {
		if w != nil {
			w.close()
		}
	}()
	for change, err := range x.edge.config.Backend.Watch(x.r.Context(), x.route.query, in, x.req) {
		if err != nil && w == nil {
			return err
		}
		if w == nil {
			if w = x.openEvents(); x.r.Method == http.MethodHead {
				return nil
			}
			_, _ = fmt.Fprintf(w, "retry: %d\n\n", comeBack) // the next write tells whether the caller is there
		}
		event := &x.answer.body
		event.Reset()
		if err != nil {
			x.lastEvent(event, err)
		} else if err = encodeEvent(event, change); err != nil {
			x.lastEvent(event, err)
		}
		if _, failed := w.Write(event.Bytes()); failed != nil || w.Flush() != nil {
			panic(http.ErrAbortHandler) // the caller is gone, or does not read
		}
		if err != nil {
			return nil
		}
	}
	if w == nil { // the caller went away before there was anything
		return errGone
	}
	return nil
}

func (x *exchange) openEvents() *wire {
	x.w.Header()["X-Accel-Buffering"] = []string{"no"} // a proxy is to pass events on at once
	return x.open(formEvents)
}

// lastEvent tells why there are no more.
func (x *exchange) lastEvent(b *bytes.Buffer, err error) {
	b.Reset()
	data, _ := json.Marshal(x.problemOf(err)) // texts and numbers always encode
	fmt.Fprintf(b, "event: end\ndata: %s\n\n", data)
}

func encodeEvent(b *bytes.Buffer, c registry.Change) error {
	switch c.Kind {
	case registry.Beat:
		b.WriteString(":\n\n")
		return nil
	case registry.Present:
		return encodePresent(b, c)
	case registry.Delete:
		fmt.Fprintf(b, "id: %s\nevent: delete\ndata: {\"key\":%s}\n\n", c.ID, quotedJSON(c.Row.Key))
		return nil
	}
	name := "insert"
	if c.Kind == registry.Update {
		name = "update"
	}
	row, err := c.Row.JSON()
	if err != nil {
		return fmt.Errorf("encode a row of a live query: %w", err)
	}
	fmt.Fprintf(b, "id: %s\nevent: %s\ndata: {\"key\":%s,\"at\":%d,\"row\":%s}\n\n", c.ID, name, quotedJSON(c.Row.Key), c.At, row)
	return nil
}

func encodePresent(b *bytes.Buffer, c registry.Change) error {
	fmt.Fprintf(b, "id: %s\nevent: present\ndata: {\"items\":[", c.ID)
	for i, r := range c.Rows {
		if i > 0 {
			b.WriteByte(',')
		}
		row, err := r.JSON()
		if err != nil {
			return fmt.Errorf("encode a row of a live query: %w", err)
		}
		fmt.Fprintf(b, "{\"key\":%s,\"row\":%s}", quotedJSON(r.Key), row)
	}
	b.WriteString("]}\n\n")
	return nil
}

func quotedJSON(text string) []byte {
	data, _ := json.Marshal(text) // a text always encodes
	return data
}
