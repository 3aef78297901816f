package diff_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console/diff"
)

func text(lines []diff.Line) string {
	var b strings.Builder
	for _, l := range lines {
		sign := map[diff.Mark]string{diff.Added: "+", diff.Removed: "-", diff.Changed: "~", diff.Same: " "}[l.Mark]
		name := l.Name
		if name != "" {
			name += ": "
		}
		fmt.Fprintf(&b, "%s%s%s%s", sign, strings.Repeat("  ", l.Indent), name, l.Text)
		if l.Was != "" {
			fmt.Fprintf(&b, " (%s)", l.Was)
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestLines(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ before, after, want string }{
		"alone":   {"", `{"b":1,"a":[]}`, " {\n   \"b\": 1,\n   \"a\": []\n }\n"},
		"same":    {`{"a":1}`, `{"a":1}`, " {\n   \"a\": 1\n }\n"},
		"changed": {`{"a":1,"b":"x"}`, `{"a":2,"b":"x"}`, " {\n~  \"a\": 2, (1)\n   \"b\": \"x\"\n }\n"},
		"added":   {`{"a":1}`, `{"a":1,"b":{"c":null}}`, " {\n   \"a\": 1,\n+  \"b\": {\n+    \"c\": null\n+  }\n }\n"},
		"removed": {`{"a":1,"b":2}`, `{"b":2}`, " {\n   \"b\": 2,\n-  \"a\": 1\n }\n"},
		"kind":    {`{"a":null}`, `{"a":{"x":1}}`, " {\n-  \"a\": null\n+  \"a\": {\n+    \"x\": 1\n+  }\n }\n"},
		"append":  {`[1,2]`, `[1,2,3]`, " [\n   1,\n   2,\n+  3\n ]\n"},
		"prepend": {`[1,2]`, `[0,1,2]`, " [\n+  0,\n   1,\n   2\n ]\n"},
		"inside":  {`[{"a":1},{"a":2},{"a":3}]`, `[{"a":1},{"a":5},{"a":3}]`, " [\n   {\n     \"a\": 1\n   },\n   {\n~    \"a\": 5 (2)\n   },\n   {\n     \"a\": 3\n   }\n ]\n"},
		"emptied": {`[1]`, `[]`, " [\n-  1\n ]\n"},
		"number":  {`1`, `1.0`, "~1.0 (1)\n"},
		"big":     {`12345678901234567890`, `12345678901234567890`, " 12345678901234567890\n"},
		"no JSON": {`{}`, `<b>`, "-{}\n+<b>\n"},
		"two":     {``, `1 2`, " 1 2\n"},
		"order":   {`{"a":1,"b":2}`, `{"b":2,"a":1}`, " {\n   \"b\": 2,\n   \"a\": 1\n }\n"},
	} {
		if got := text(diff.Lines(json.RawMessage(test.before), json.RawMessage(test.after))); got != test.want {
			t.Errorf("%s:\n%swant\n%s", name, got, test.want)
		}
	}
}

func TestChanges(t *testing.T) {
	t.Parallel()
	got := diff.Changes(json.RawMessage(`{"a":{"b":[1,2]},"c":1}`), json.RawMessage(`{"a":{"b":[1,3]},"d":{"e":[]}}`))
	var paths []string
	for _, l := range got {
		paths = append(paths, string(l.Mark)+" "+l.Path)
	}
	if s := strings.Join(paths, ", "); s != "changed a.b[1], added d.e, removed c" {
		t.Error(s)
	}
}

func TestHugeAndDeep(t *testing.T) {
	t.Parallel()
	huge := "[" + strings.Repeat("1,", 100_000) + "1]"
	if n := len(diff.Lines(json.RawMessage(`[]`), json.RawMessage(huge))); n != diff.MaxLines {
		t.Errorf("%d lines", n)
	}
	deep := strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000)
	if n := len(diff.Lines(json.RawMessage(deep), json.RawMessage(deep))); n != 1 {
		t.Errorf("%d lines of what is too deep", n)
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":2}]}`), []byte(`{"a":[{"b":3}],"c":"<"}`))
	f.Add([]byte(`{}`), []byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, before, after []byte) {
		if !json.Valid(before) || !json.Valid(after) {
			return
		}
		for _, l := range diff.Lines(after, after) {
			if l.Mark != diff.Same {
				t.Fatalf("%s differs from itself at %s", after, l.Path)
			}
		}
		diff.Lines(before, after)
	})
}
