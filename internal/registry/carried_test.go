package registry_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

func TestCarry(t *testing.T) {
	t.Parallel()
	put := [][2]string{
		{"traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}, {"odd", "a \"b\" \\ <é>\n"},
		{"", "x"}, {"empty", ""}, {"talix.end", "deleted"},
	}
	var data []byte
	for _, p := range put {
		data = registry.Carry(data, p[0], p[1])
	}
	var got map[string]string
	if err := json.Unmarshal(data, &got); err != nil || !maps.Equal(got, map[string]string{put[0][0]: put[0][1], put[1][0]: put[1][1]}) {
		t.Errorf("%s: %v, %v", data, got, err)
	}
	if v := registry.Carried(data)("odd"); v != put[1][1] {
		t.Errorf("read %q", v)
	}
	if registry.Ends(&store.Event{Metadata: data}) || !registry.Ends(&store.Event{Metadata: registry.EndMarkBeside(data)}) {
		t.Error("what goes along reads as the end, or hides it")
	}
	if v := registry.Carried(registry.EndMarkBeside(data))("traceparent"); v != put[0][1] {
		t.Errorf("beside the mark: %q", v)
	}
	if string(registry.EndMarkBeside(nil)) != string(registry.EndMark()) {
		t.Error("the mark alone differs")
	}
}

func TestCarriedReadsWhatOthersWrote(t *testing.T) {
	t.Parallel()
	if registry.Carried(nil) != nil {
		t.Error("there is something in nothing")
	}
	for _, data := range []string{"{}", "[]", "null", "{", `{"a":1}`} {
		if v := registry.Carried([]byte(data))("a"); v != "" {
			t.Errorf("%s: %q", data, v)
		}
	}
}
