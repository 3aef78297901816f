package mcp_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/mcp"
)

func TestWindow(t *testing.T) {
	t.Parallel()
	const doc = `{"a/b": {"c~d": [10, 11, 12]}, "text": "äöü", "big": 12345678901234567890.10, "": [true, null]}`
	for _, c := range []struct {
		path   string
		offset int
		want   string
	}{
		{"/a~1b/c~0d/1", 0, `11`},
		{"/a~1b/c~0d", 1, `[11,12]`},
		{"/text", 2, `"ü"`},
		{"/big", 0, `12345678901234567890.10`},
		{"/", 0, `[true,null]`},
		{"//1", 0, `null`},
		{"", 3, `{"":[true,null]}`},
	} {
		if got, _, err := mcp.Window([]byte(doc), c.path, c.offset); string(got) != c.want || err != nil {
			t.Errorf("%q from %d: %s, %v", c.path, c.offset, got, err)
		}
	}
	for path, want := range map[string]string{
		"text": "does not begin with /", "/none": "leads nowhere", "/a~1b/c~0d/3": "leads nowhere", "/a~1b/c~0d/-1": "leads nowhere", "/text/0": "leads nowhere",
	} {
		if _, _, err := mcp.Window([]byte(doc), path, 0); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, _, err := mcp.Window([]byte(`[1`), "", 0); err == nil {
		t.Error("it reads what is no JSON")
	}
}

// Whatever a program answers is cut to JSON of a bounded size, of which each
// page goes on.
func FuzzWindow(f *testing.F) {
	for _, doc := range []string{
		`{"a":[1,2,{"b":"c"}]}`, `[]`, `"\u0001\u202e"`, `-1.5e300`, `{"":{"":{}}}`,
		`["` + strings.Repeat(`x\u0001`, 8_000) + `",1]`, `[` + strings.Repeat(`[[1,2,3],"xxxxxxxxxxxx"],`, 3000) + `0]`,
		`{"` + strings.Repeat("n", 25_000) + `":1,"m":2}`, strings.Repeat("[", 2000) + strings.Repeat("]", 2000),
	} {
		f.Add([]byte(doc), "", 0)
		f.Add([]byte(doc), "/0", 1)
	}
	f.Fuzz(func(t *testing.T, data []byte, path string, offset int) {
		if offset < 0 || len(data) > 1<<20 {
			return
		}
		for range 20 {
			part, next, err := mcp.Window(data, path, offset)
			if err != nil {
				return
			}
			if !json.Valid(part) || strings.ContainsAny(string(part), "\u202e\u2028") {
				t.Fatalf("%q", part)
			}
			if next > 0 && next <= offset {
				t.Fatalf("after %d comes %d", offset, next)
			}
			if flat := compact(t, part); len(flat) > mcp.Budget+1000 {
				t.Fatalf("%d bytes", len(flat))
			}
			if offset = next; next == 0 {
				return
			}
		}
	})
}

func compact(t *testing.T, data []byte) string {
	t.Helper()
	var b strings.Builder
	d := json.NewDecoder(strings.NewReader(string(data)))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
