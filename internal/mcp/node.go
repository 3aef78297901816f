package mcp

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf16"
)

// object is a JSON object whose members keep their order. The other values are
// []any, string, json.Number, bool and nil.
type object []member

type member struct {
	name  string
	value any
}

// get is the value of a member, or nil.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

func (o object) text(name string) string {
	s, _ := o.get(name).(string)
	return s
}

func (o object) list(name string) []any {
	l, _ := o.get(name).([]any)
	return l
}

// number is a member that is a whole number; zero if it is none.
func (o object) number(name string) int64 {
	n, _ := o.get(name).(json.Number)
	i, _ := n.Int64()
	return i
}

// only are the members of these names, in this order, that there are.
func (o object) only(names ...string) (out object) {
	for _, name := range names {
		if i := slices.IndexFunc(o, func(m member) bool { return m.name == name }); i >= 0 {
			out = append(out, o[i])
		}
	}
	return out
}

// without are all members but these.
func (o object) without(names ...string) (out object) {
	for _, m := range o {
		if !slices.Contains(names, m.name) {
			out = append(out, m)
		}
	}
	return out
}

// objectOf is a value that should be an object.
func objectOf(v any) object {
	o, _ := v.(object)
	return o
}

// decode reads a JSON document. Numbers stay as they are written.
func decode(data []byte) (any, error) {
	if !json.Valid(data) { // bounds the depth too
		return nil, fmt.Errorf("read answer: it is no JSON")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	return decodeNext(d)
}

func decodeNext(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	switch token {
	case json.Delim('['):
		return decodeList(d)
	case json.Delim('{'):
		return decodeObject(d)
	}
	return token, nil
}

func decodeList(d *json.Decoder) (any, error) {
	list := []any{}
	for d.More() {
		v, err := decodeNext(d)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	_, err := d.Token()
	return list, err
}

func decodeObject(d *json.Decoder) (any, error) {
	o := object{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("read answer: %w", err)
		}
		v, err := decodeNext(d)
		if err != nil {
			return nil, err
		}
		o = append(o, member{name.(string), v})
	}
	_, err := d.Token()
	return o, err
}

// widest is how long a value may be that is written in one line.
const widest = 160

// deepestLines is how many levels are written a member a line.
const deepestLines = 8

// encode writes a value as JSON: what is short or deep in one line, all else a
// member a line. No line ends within a text.
func encode(v any, indent string) []byte {
	if flat := encodeFlat(nil, v); len(flat) <= widest || len(indent) == deepestLines {
		return flat
	}
	var parts [][]byte
	brackets := "[]"
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			parts = append(parts, encode(item, indent+" "))
		}
	case object:
		brackets = "{}"
		for _, m := range v {
			parts = append(parts, append(append(quote(nil, m.name), ":"...), encode(m.value, indent+" ")...))
		}
	default:
		return encodeFlat(nil, v)
	}
	within := "\n" + indent + " "
	return slices.Concat([]byte(brackets[:1]+within), bytes.Join(parts, []byte(","+within)), []byte("\n"+indent+brackets[1:]))
}

func encodeFlat(to []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(to, "null"...)
	case bool:
		return strconv.AppendBool(to, v)
	case json.Number:
		return append(to, v...)
	case int:
		return strconv.AppendInt(to, int64(v), 10)
	case int64:
		return strconv.AppendInt(to, v, 10)
	case string:
		return quote(to, v)
	case []any:
		to = append(to, '[')
		for i, item := range v {
			to = encodeFlat(comma(to, i), item)
		}
		return append(to, ']')
	case object:
		to = append(to, '{')
		for i, m := range v {
			to = encodeFlat(append(quote(comma(to, i), m.name), ':'), m.value)
		}
		return append(to, '}')
	}
	panic(fmt.Sprintf("no value of JSON: %T", v)) // all are made here
}

func comma(to []byte, i int) []byte {
	if i > 0 {
		return append(to, ',')
	}
	return to
}

// quote writes a text. Characters that nobody sees are escaped, so that a text
// cannot say something else to a program than to who reads it.
func quote(to []byte, text string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a string always encodes
	for _, r := range string(bytes.TrimSuffix(b.Bytes(), []byte("\n"))) {
		switch {
		case r < unicode.MaxASCII && r != 0x7f || unicode.IsPrint(r):
			to = append(to, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			to = fmt.Appendf(to, `\u%04x\u%04x`, high, low)
		default:
			to = fmt.Appendf(to, `\u%04x`, r)
		}
	}
	return to
}
