package rowmap

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/talix-dev/talix/table"
)

// jsonCodec stores any other type as JSON text.
func jsonCodec(t reflect.Type) (codec, error) {
	s := shaper{seen: map[reflect.Type]int{}}
	shape, err := s.shape(t)
	if err != nil {
		return codec{}, err
	}
	return codec{
		kind: table.Text, shape: "json " + shape,
		get: jsonOf,
		set: func(v reflect.Value, x table.Value) error {
			text, err := jsonText(v, x)
			if err != nil {
				return err
			}
			return json.Unmarshal(text, v.Addr().Interface())
		},
	}, nil
}

func jsonOf(v reflect.Value) (table.Value, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // people look for the text as it is
	if err := enc.Encode(v.Addr().Interface()); err != nil {
		return table.Value{}, err
	}
	return table.TextValue(string(bytes.TrimSuffix(b.Bytes(), []byte("\n")))), nil
}

// jsonText is a value that is JSON, or a number, which is so too.
func jsonText(v reflect.Value, x table.Value) ([]byte, error) {
	switch x.Kind() {
	case table.Text:
		return []byte(x.Text()), nil
	case table.Int:
		return strconv.AppendInt(nil, x.Int(), 10), nil
	case table.Float:
		return strconv.AppendFloat(nil, x.Float(), 'g', -1, 64), nil
	case table.Null:
		switch v.Kind() {
		case reflect.Slice, reflect.Map, reflect.Interface:
			return []byte("null"), nil
		}
	}
	return nil, wrong("JSON, which is text", x)
}

// shaper describes a type as JSON sees it, and finds what JSON can't hold.
type shaper struct {
	seen map[reflect.Type]int
}

func (s *shaper) shape(t reflect.Type) (string, error) {
	if n, ok := s.seen[t]; ok {
		return "#" + strconv.Itoa(n), nil
	}
	if writes := t == timeType || reads(t, jsonMarshaler) || reads(t, textMarshaler); writes {
		if !reads(t, jsonUnmarshaler) && !reads(t, textUnmarshaler) {
			return "", fmt.Errorf("%s can be written as JSON, but not be read back: give *%s the method UnmarshalJSON or UnmarshalText", t, t)
		}
		return "own", nil
	}
	switch t.Kind() {
	case reflect.Struct:
		s.seen[t] = len(s.seen)
		return s.fields(t)
	case reflect.Pointer, reflect.Slice:
		return s.elem(t, t.Kind().String())
	case reflect.Array:
		return s.elem(t, "array"+strconv.Itoa(t.Len()))
	case reflect.Map:
		return s.mapping(t)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return "any", nil
		}
		return "", fmt.Errorf("%s is an interface, which can't be read back: use a struct, or leave the field out with db:\"-\"", t)
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer, reflect.Uintptr:
		return "", fmt.Errorf("%s can't be stored: use another type, or leave the field out with db:\"-\"", t)
	}
	return t.Kind().String(), nil
}

func (s *shaper) elem(t reflect.Type, name string) (string, error) {
	elem, err := s.shape(t.Elem())
	return name + "(" + elem + ")", err
}

func (s *shaper) mapping(t reflect.Type) (string, error) {
	switch t.Key().Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
	default:
		if !reads(t.Key(), textMarshaler) || !reads(t.Key(), textUnmarshaler) {
			return "", fmt.Errorf("%s has keys that JSON can't hold: use strings or integers", t)
		}
	}
	return s.elem(t, "map")
}

func (s *shaper) fields(t reflect.Type) (string, error) {
	b, stored := "struct(", 0
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		if !f.IsExported() && !f.Anonymous || tag == "-" {
			continue
		}
		shape, err := s.shape(f.Type)
		if err != nil {
			return "", fmt.Errorf("field %s of %s: %w", f.Name, t, err)
		}
		b += f.Name + " " + strconv.Quote(tag) + " " + shape + ";"
		stored++
	}
	if stored == 0 && t.NumField() > 0 {
		return "", fmt.Errorf("%s has no exported field, so that nothing of it would be stored: give it MarshalText and UnmarshalText, or leave the field out with db:\"-\"", t)
	}
	return b + ")", nil
}
