package registry

import (
	"reflect"
	"time"
)

// IsFlat tells whether values of a type can be copied by assignment: they hold
// nothing that could be changed through a copy. Unexported fields count as
// values: who changes what they refer to gives the type a Clone method.
func IsFlat(t reflect.Type) bool {
	if t == reflect.TypeFor[time.Time]() {
		return true
	}
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			if f.IsExported() && !IsFlat(f.Type) {
				return false
			}
		}
		return true
	case reflect.Array:
		return IsFlat(t.Elem())
	case reflect.Map, reflect.Slice, reflect.Pointer, reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer:
		return false
	default:
		return true
	}
}

// DeepCopy replaces what exported fields of v refer to by copies, in place.
// States are trees; one that refers to itself has to have a Clone method.
func DeepCopy(v reflect.Value) {
	if IsFlat(v.Type()) {
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				DeepCopy(v.Field(i))
			}
		}
	case reflect.Array:
		for i := range v.Len() {
			DeepCopy(v.Index(i))
		}
	case reflect.Slice:
		copySlice(v)
	case reflect.Map:
		copyMap(v)
	case reflect.Pointer, reflect.Interface:
		copyReferred(v)
	}
}

func copySlice(v reflect.Value) {
	if v.IsNil() {
		return
	}
	c := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	reflect.Copy(c, v)
	if !IsFlat(v.Type().Elem()) {
		for i := range c.Len() {
			DeepCopy(c.Index(i))
		}
	}
	v.Set(c)
}

func copyMap(v reflect.Value) {
	if v.IsNil() {
		return
	}
	c := reflect.MakeMapWithSize(v.Type(), v.Len())
	for iter := v.MapRange(); iter.Next(); {
		elem := reflect.New(v.Type().Elem()).Elem()
		elem.Set(iter.Value())
		DeepCopy(elem)
		c.SetMapIndex(iter.Key(), elem)
	}
	v.Set(c)
}

func copyReferred(v reflect.Value) {
	if v.IsNil() {
		return
	}
	c := reflect.New(v.Elem().Type())
	c.Elem().Set(v.Elem())
	DeepCopy(c.Elem())
	if v.Kind() == reflect.Pointer {
		v.Set(c)
		return
	}
	v.Set(c.Elem())
}

// SizeOf estimates the bytes that a value holds on to.
func SizeOf(v reflect.Value) int {
	return int(v.Type().Size()) + referred(v)
}

func referred(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.String:
		n = v.Len()
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return 0
		}
		for i := range v.NumField() {
			n += referred(v.Field(i))
		}
	case reflect.Slice, reflect.Array:
		n = referredElems(v)
	case reflect.Map:
		for iter := v.MapRange(); iter.Next(); {
			n += SizeOf(iter.Key()) + SizeOf(iter.Value()) + 8
		}
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			n = SizeOf(v.Elem())
		}
	}
	return n
}

func referredElems(v reflect.Value) int {
	n := 0
	if v.Kind() == reflect.Slice {
		n = v.Cap() * int(v.Type().Elem().Size())
	}
	switch v.Type().Elem().Kind() {
	case reflect.String, reflect.Struct, reflect.Slice, reflect.Array, reflect.Map, reflect.Pointer, reflect.Interface:
		for i := range v.Len() {
			n += referred(v.Index(i))
		}
	}
	return n
}
