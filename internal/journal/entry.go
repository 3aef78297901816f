package journal

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// header is the first line of a record; behind it stand the result and the
// failure, byte for byte, so that large ones cost nothing more.
type header struct {
	Kind   string `json:"kind"`
	Name   string `json:"name"`
	Data   int    `json:"data,omitempty"` // bytes of the result
	Failed bool   `json:"failed,omitempty"`
}

func encode(e *Entry) []byte {
	line, err := json.Marshal(header{e.Kind, e.Name, len(e.Data), e.Error != nil})
	if err != nil {
		panic(err) // it has no field that could fail
	}
	data := make([]byte, 0, len(line)+1+len(e.Data)+len(e.Error))
	data = append(append(data, line...), '\n')
	return append(append(data, e.Data...), e.Error...)
}

func decode(path string, rec *store.Record) (entry, error) {
	line, rest, ok := bytes.Cut(rec.Data, []byte{'\n'})
	var h header
	if err := json.Unmarshal(line, &h); err != nil || !ok || h.Data < 0 || h.Data > len(rest) || !h.Failed && h.Data != len(rest) {
		return entry{}, fmt.Errorf("read step %s: %w", path, store.ErrCorrupt)
	}
	e := entry{Entry{Path: path, Kind: h.Kind, Name: h.Name}, rec.Rev}
	if h.Data > 0 {
		e.Data = rest[:h.Data:h.Data]
	}
	if h.Failed {
		e.Error = rest[h.Data:]
	}
	return e, nil
}

// same tells whether two runs came to the same.
func (e *Entry) same(o *Entry) bool {
	return e.Kind == o.Kind && e.Name == o.Name && bytes.Equal(e.Data, o.Data) &&
		bytes.Equal(e.Error, o.Error) && (e.Error == nil) == (o.Error == nil)
}

// String names the step in errors.
func (e Entry) String() string { return fmt.Sprintf("%s at %s", title(e.Kind, e.Name), e.Path) }

func title(kind, name string) string {
	if name == "" {
		return kind
	}
	return fmt.Sprintf("%s %q", kind, name)
}

// number writes the nth place of a branch so that the order of bytes is that
// of numbers.
func number(n int) string {
	if n < 10_000 {
		return fmt.Sprintf("%04d", n)
	}
	return fmt.Sprintf("a%012d", n)
}

func changed(format string, args ...any) error {
	return fmt.Errorf("%w: %s; finish what is under way with the code that began it, or give what was changed a new name",
		ErrChanged, fmt.Sprintf(format, args...))
}
