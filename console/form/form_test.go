package form_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console/form"
)

const schema = `{"type":"object","required":["name","n"],"properties":{
	"$schema":{"type":"string"},
	"name":{"type":"string","description":"Its name."},
	"n":{"type":"integer","minimum":1,"maximum":1000000000000,"default":5},
	"ok":{"type":["boolean","null"]},
	"kind":{"type":"string","enum":["a","b"]},
	"list":{"type":["array","null"],"items":{"type":"string"}},
	"address":{"$ref":"#/components/schemas/Address"},
	"any":{}}}`

func defs() map[string]json.RawMessage {
	return map[string]json.RawMessage{
		"Address": json.RawMessage(`{"type":"object","required":["city"],"properties":{"city":{"type":"string"},"zip":{"type":"string"}}}`),
		"Tree":    json.RawMessage(`{"type":"object","properties":{"sub":{"$ref":"#/components/schemas/Tree"}}}`),
		"Loop":    json.RawMessage(`{"$ref":"#/components/schemas/Loop"}`),
	}
}

func TestFields(t *testing.T) {
	t.Parallel()
	var got []string
	for _, f := range form.Fields(json.RawMessage(schema), defs(), "input") {
		got = append(got, fmt.Sprintf("%s=%s/%v", f.Label, f.Kind, f.Required))
	}
	want := "name=text/true n=number/true address.city=text/false address.zip=text/false any=json/false kind=choice/false list=json/false ok=bool/false"
	if s := strings.Join(got, " "); s != want {
		t.Errorf("%s\nwant\n%s", s, want)
	}
}

func TestOddSchemas(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		``: "[json]", `{`: "[json]", `{"type":"string"}`: "[text]", `{"type":"object"}`: "[]", `{"type":"array"}`: "[json]",
		`{"$ref":"#/components/schemas/Loop"}`: "[json]", `{"$ref":"#/x/Tree"}`: "[json]", `{"$ref":"#/x/None"}`: "[json]",
		`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":true}`: "[json]",
	} {
		kinds := []form.Kind{}
		for _, f := range form.Fields(json.RawMessage(text), defs(), "input") {
			kinds = append(kinds, f.Kind)
		}
		if fmt.Sprint(kinds) != want {
			t.Errorf("%s: %v, want %s", text, kinds, want)
		}
	}
}

func TestEncode(t *testing.T) {
	t.Parallel()
	fields := form.Fields(json.RawMessage(schema), defs(), "input")
	for _, test := range []struct {
		values map[string]string
		want   string // a JSON document, or part of an error
	}{
		{map[string]string{"input.name": "a", "input.n": "7"}, `{"n":7,"name":"a"}`},
		{map[string]string{"input.name": "", "input.n": "12345678901234567890"}, `{"n":12345678901234567890,"name":""}`},
		{map[string]string{"input.name": "a", "input.n": "7", "input.address.city": "X", "input.ok": "true", "input.list": `["a"]`, "input.kind": "b"}, `{"address":{"city":"X"},"kind":"b","list":["a"],"n":7,"name":"a","ok":true}`},
		{map[string]string{"input.name": "a", "input.n": "x", "input.list": "a"}, "n: is no number"},
		{map[string]string{"input.name": "a", "input.n": "true"}, "n: is no number"},
		{map[string]string{"input.name": "a", "input.n": "1", "input.list": "a"}, "list: is no JSON"},
	} {
		got, err := form.Encode(fields, func(name string) string { return test.values[name] })
		if err != nil {
			got = []byte(err.Error())
		}
		if string(got) != test.want && (err == nil || !strings.Contains(string(got), test.want)) {
			t.Errorf("%v: %s, want %s", test.values, got, test.want)
		}
	}
	got, err := form.Encode(form.Fields(json.RawMessage(`{"type":"string"}`), nil, "input"), func(string) string { return `a"b` })
	if err != nil || string(got) != `"a\"b"` {
		t.Errorf("%s, %v", got, err)
	}
}
