package rowmap

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/table"
)

// codec maps values of one Go type to SQL values and back.
type codec struct {
	kind  table.Kind
	null  bool   // NULL is one of its values
	exact bool   // see Plan.Exact
	shape string // see Plan.Shape
	get   func(v reflect.Value) (table.Value, error)
	set   func(v reflect.Value, x table.Value) error
	// settle is nil where nothing is to be done.
	settle func(v reflect.Value) error
	// setKey is nil where the type can't be a key.
	setKey func(v reflect.Value, id string) error
}

var (
	timeType        = reflect.TypeFor[time.Time]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

var errNull = errors.New("the value is NULL: make the field a pointer, or use coalesce in the query")

// isText tells whether values of t are written by a text method.
func isText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && t.Kind() != reflect.Pointer && reflect.PointerTo(t).Implements(textMarshaler)
}

func reads(t, by reflect.Type) bool {
	return t.Implements(by) || reflect.PointerTo(t).Implements(by)
}

// codecOf finds how values of a type are stored.
func codecOf(t reflect.Type) (codec, error) {
	switch {
	case t == timeType:
		return timeCodec(), nil
	case t.Kind() == reflect.Pointer:
		return pointerCodec(t)
	case isText(t) && reflect.PointerTo(t).Implements(textUnmarshaler):
		return textCodec(t), nil
	case isText(t):
		return codec{}, fmt.Errorf("%s has MarshalText, but *%s has no UnmarshalText to read it back: add it", t, t)
	}
	switch t.Kind() {
	case reflect.String:
		return stringCodec(), nil
	case reflect.Bool:
		return boolCodec(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return intCodec(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return uintCodec(), nil
	case reflect.Float32, reflect.Float64:
		return floatCodec(), nil
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 && !reads(t, jsonMarshaler) {
			return blobCodec(), nil
		}
	}
	return jsonCodec(t)
}

// pointerCodec stores nil as NULL.
func pointerCodec(t reflect.Type) (codec, error) {
	if t.Elem().Kind() == reflect.Pointer {
		return codec{}, fmt.Errorf("%s is a pointer to a pointer: use one pointer", t)
	}
	elem, err := codecOf(t.Elem())
	if err != nil {
		return codec{}, err
	}
	c := codec{kind: elem.kind, null: true, shape: "*" + elem.shape}
	c.get = func(v reflect.Value) (table.Value, error) {
		if v.IsNil() {
			return table.Value{}, nil
		}
		return elem.get(v.Elem())
	}
	c.set = func(v reflect.Value, x table.Value) error {
		if x.Kind() == table.Null {
			v.SetZero()
			return nil
		}
		p := reflect.New(t.Elem())
		v.Set(p)
		return elem.set(p.Elem(), x)
	}
	return c, nil
}

// wrong says that a value doesn't fit into a field.
func wrong(want string, x table.Value) error {
	if x.Kind() == table.Null {
		return errNull
	}
	return fmt.Errorf("the value is %s, the field %s: change the field's type, or CAST in the query", kindName(x.Kind()), want)
}

func kindName(k table.Kind) string {
	switch k {
	case table.Int:
		return "an integer"
	case table.Float:
		return "a real number"
	case table.Text:
		return "text"
	case table.Blob:
		return "a blob"
	}
	return "NULL"
}
