package rowmap

import (
	"errors"
	"fmt"
	"math"
	"reflect"

	"github.com/talix-dev/talix/table"
)

func stringCodec() codec {
	return codec{
		kind: table.Text, exact: true, shape: "string",
		get: func(v reflect.Value) (table.Value, error) { return table.TextValue(v.String()), nil },
		set: func(v reflect.Value, x table.Value) error {
			if x.Kind() != table.Text {
				return wrong("text", x)
			}
			v.SetString(x.Text())
			return nil
		},
		setKey: func(v reflect.Value, id string) error {
			v.SetString(id)
			return nil
		},
	}
}

func boolCodec() codec {
	return codec{
		kind: table.Int, exact: true, shape: "bool",
		get: func(v reflect.Value) (table.Value, error) { return table.BoolValue(v.Bool()), nil },
		set: func(v reflect.Value, x table.Value) error {
			if x.Kind() != table.Int || x.Int() != 0 && x.Int() != 1 {
				return wrong("a boolean, which is 0 or 1", x)
			}
			v.SetBool(x.Int() == 1)
			return nil
		},
	}
}

func intCodec() codec {
	return codec{
		kind: table.Int, exact: true, shape: "int",
		get: func(v reflect.Value) (table.Value, error) { return table.IntValue(v.Int()), nil },
		set: func(v reflect.Value, x table.Value) error {
			n, err := whole(x)
			if err == nil && v.OverflowInt(n) {
				err = fmt.Errorf("the value %d does not fit into %s: use a larger type", n, v.Type())
			}
			if err == nil {
				v.SetInt(n)
			}
			return err
		},
	}
}

// whole takes real numbers that are integers for such: databases compute with
// both.
func whole(x table.Value) (int64, error) {
	if f := x.Float(); x.Kind() == table.Float && f == math.Trunc(f) && math.Abs(f) <= 1<<53 {
		return int64(f), nil
	}
	if x.Kind() != table.Int {
		return 0, wrong("an integer", x)
	}
	return x.Int(), nil
}

func uintCodec() codec {
	return codec{
		kind: table.Int, exact: true, shape: "uint",
		get: func(v reflect.Value) (table.Value, error) {
			return table.IntValue(int64(v.Uint())), fits(v)
		},
		set: func(v reflect.Value, x table.Value) error {
			n, err := whole(x)
			if err == nil && (n < 0 || v.OverflowUint(uint64(n))) {
				err = fmt.Errorf("the value %d does not fit into %s: use another type", n, v.Type())
			}
			if err == nil {
				v.SetUint(uint64(n))
			}
			return err
		},
		settle: fits,
	}
}

func fits(v reflect.Value) error {
	if v.Uint() > math.MaxInt64 {
		return fmt.Errorf("the value %d is above %d, the largest that a database holds: use a string", v.Uint(), math.MaxInt64)
	}
	return nil
}

func floatCodec() codec {
	return codec{
		kind: table.Float, exact: true, shape: "float",
		get: func(v reflect.Value) (table.Value, error) {
			return table.FloatValue(v.Float() + 0), number(v) // + 0: databases have no -0
		},
		set: func(v reflect.Value, x table.Value) error {
			switch x.Kind() {
			case table.Float:
				v.SetFloat(x.Float())
			case table.Int:
				v.SetFloat(float64(x.Int()))
			default:
				return wrong("a real number", x)
			}
			return nil
		},
		settle: func(v reflect.Value) error {
			v.SetFloat(v.Float() + 0)
			return number(v)
		},
	}
}

func number(v reflect.Value) error {
	if math.IsNaN(v.Float()) {
		return errors.New("the value is not a number, which a database can't hold: use a pointer, and nil for it")
	}
	return nil
}

// blobCodec stores nil as NULL, so that it is not taken for empty.
func blobCodec() codec {
	return codec{
		kind: table.Blob, null: true, shape: "blob",
		get: func(v reflect.Value) (table.Value, error) {
			if v.IsNil() {
				return table.Value{}, nil
			}
			return table.BlobValue(string(v.Bytes())), nil
		},
		set: func(v reflect.Value, x table.Value) error {
			switch x.Kind() {
			case table.Null:
				v.SetZero()
			case table.Blob, table.Text:
				v.SetBytes([]byte(x.Text()))
			default:
				return wrong("a blob", x)
			}
			return nil
		},
	}
}
