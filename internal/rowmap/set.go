package rowmap

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"

	"github.com/talix-dev/talix/table"
)

// maxSet is the most elements that a set has.
const maxSet = 10_000

// isSet tells whether a parameter of a type is a set of values.
func isSet(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() != reflect.Uint8 && !isText(t)
}

// setCodec writes a slice as a JSON array of what its elements are in the
// database.
func setCodec(t reflect.Type) (codec, table.Kind, error) {
	elem, err := codecOf(t.Elem())
	switch {
	case err != nil:
		return codec{}, 0, err
	case elem.null || elem.kind != table.Int && elem.kind != table.Float && elem.kind != table.Text:
		return codec{}, 0, fmt.Errorf("%s can't be the elements of a set: use strings, numbers, booleans, times or types with MarshalText", t.Elem())
	}
	get := func(v reflect.Value) (table.Value, error) {
		if v.IsNil() {
			return table.Value{}, nil
		}
		if v.Len() > maxSet {
			return table.Value{}, fmt.Errorf("the set has %d elements, which is more than %d", v.Len(), maxSet)
		}
		return setOf(v, elem)
	}
	return codec{kind: table.Text, null: true, get: get}, elem.kind, nil
}

func setOf(v reflect.Value, elem codec) (table.Value, error) {
	b := []byte{'['}
	for i := range v.Len() {
		if i > 0 {
			b = append(b, ',')
		}
		x, err := elem.get(v.Index(i))
		if err == nil {
			b, err = appendElement(b, x)
		}
		if err != nil {
			return table.Value{}, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return table.TextValue(string(append(b, ']'))), nil
}

func appendElement(b []byte, x table.Value) ([]byte, error) {
	switch x.Kind() {
	case table.Int:
		return strconv.AppendInt(b, x.Int(), 10), nil
	case table.Float:
		if math.IsInf(x.Float(), 0) {
			return b, fmt.Errorf("%v can't be in a set", x.Float())
		}
		return strconv.AppendFloat(b, x.Float(), 'e', -1, 64), nil
	}
	text, err := json.Marshal(x.Text())
	return append(b, text...), err
}
