package talixtest

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"time"
)

// filler puts something into every exported field of a value: something else
// for each seed, and the same whenever it is done again.
type filler struct {
	seed, count, depth int
	plain              bool // texts are for people
}

// deepest bounds types that refer to themselves.
const deepest = 6

// value makes a value of a type.
func (f *filler) value(t reflect.Type) any {
	v := reflect.New(t).Elem()
	f.fill(v)
	return v.Interface()
}

func (f *filler) fill(v reflect.Value) {
	f.count++
	f.depth++
	defer func() { f.depth-- }()
	if f.depth > deepest || f.own(v) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				f.fill(v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice, reflect.Map, reflect.Array:
		f.list(v)
	default:
		f.scalar(v)
	}
}

func (f *filler) list(v reflect.Value) {
	switch v.Kind() {
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), f.seed, f.seed))
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range f.seed {
			key, elem := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			f.fill(key)
			f.fill(elem)
			v.SetMapIndex(key, elem)
		}
		return
	}
	for i := range v.Len() {
		f.fill(v.Index(i))
	}
}

func (f *filler) scalar(v reflect.Value) {
	n := f.seed*16 + f.count%16
	switch {
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.String && f.plain:
		v.SetString(fmt.Sprintf("text %d", n))
	case v.Kind() == reflect.String:
		v.SetString(fmt.Sprintf("text %d <&> äß☃ \"\\", n))
	case v.CanInt():
		v.SetInt(int64(n))
	case v.CanUint():
		v.SetUint(uint64(n))
	case v.CanFloat():
		v.SetFloat(float64(n) + 0.5)
	}
}

// own fills a value whose type makes its own JSON or text, if that can be
// written then; it tells whether it is such a type.
func (f *filler) own(v reflect.Value) bool {
	if t, ok := v.Addr().Interface().(*time.Time); ok {
		*t = Begin().Add(time.Duration(f.seed*1_000_000+f.count) * time.Microsecond)
		return true
	}
	if !makesOwn(v) {
		return false
	}
	before := reflect.New(v.Type()).Elem()
	if v.Kind() != reflect.Struct && v.Kind() != reflect.Pointer && v.Kind() != reflect.Interface {
		f.scalar(v)
	}
	if !survives(v) {
		v.Set(before)
	}
	return true
}

func makesOwn(v reflect.Value) bool {
	switch v.Addr().Interface().(type) {
	case json.Marshaler, json.Unmarshaler, encoding.TextMarshaler, encoding.TextUnmarshaler:
		return true
	}
	return false
}

// survives tells whether a value that was made up is one of its type.
func survives(v reflect.Value) bool {
	data, err := json.Marshal(v.Interface())
	return err == nil && json.Unmarshal(data, reflect.New(v.Type()).Interface()) == nil
}
