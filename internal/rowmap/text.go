package rowmap

import (
	"encoding"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/table"
)

// textCodec stores what MarshalText writes.
func textCodec(t reflect.Type) codec {
	return codec{
		kind: table.Text, shape: "text",
		get: textOf,
		set: func(v reflect.Value, x table.Value) error {
			if x.Kind() != table.Text {
				return wrong("text", x)
			}
			return v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(x.Text()))
		},
		setKey: func(v reflect.Value, id string) error {
			v.SetZero()
			if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(id)); err != nil {
				return fmt.Errorf("the entity's id %q is no %s: %w", id, t, err)
			}
			written, err := textOf(v)
			if err == nil && written.Text() != id {
				err = fmt.Errorf("the entity's id %q reads as the %s %q, so that two entities could share a row: make the key a string", id, t, written.Text())
			}
			return err
		},
	}
}

func textOf(v reflect.Value) (table.Value, error) {
	b, err := v.Addr().Interface().(encoding.TextMarshaler).MarshalText()
	return table.TextValue(string(b)), err
}
