package httpedge

import (
	"reflect"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
)

// defaultValue is what a field holds where a request gives nothing for it.
type defaultValue struct {
	index []int
	value reflect.Value
	flat  bool // may be copied by assignment
}

// defaultsOf collects the defaults of the body's fields, which the decoder then
// writes over. Parameters have their own.
func (c *compiler) defaultsOf(t reflect.Type, index []int) {
	if t.Kind() != reflect.Struct || custom(t) {
		return
	}
	for _, f := range schema.Fields(t) {
		at := slices.Concat(index, f.Index)
		if place, _, _ := placeOf(f.Struct); place != "" || schema.IsStream(f.Struct) || c.rt.query != nil {
			continue
		}
		v, ok, err := c.set.Default(f.Struct)
		if err == nil && ok {
			c.in.defaults = append(c.in.defaults, defaultValue{at, v, registry.IsFlat(f.Struct.Type)})
		}
		switch typ := f.Struct.Type; typ.Kind() {
		case reflect.Struct:
			c.defaultsOf(typ, at)
		case reflect.Pointer, reflect.Slice, reflect.Array, reflect.Map:
			c.noDefaults(typ.Elem(), map[reflect.Type]bool{})
		}
	}
}

// noDefaults finds defaults that no one could give: those of values which there
// may be any number of.
func (c *compiler) noDefaults(t reflect.Type, seen map[reflect.Type]bool) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Array || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || seen[t] || custom(t) {
		return
	}
	seen[t] = true
	for _, f := range schema.Fields(t) {
		if f.Struct.Tag.Get("default") != "" {
			c.failf("field %s of %s has a default, which fields within lists, maps and pointers cannot have: remove it", f.Struct.Name, t)
		}
		c.noDefaults(f.Struct.Type, seen)
	}
}

func (d *defaultValue) fill(in reflect.Value) {
	dst := in.FieldByIndex(d.index)
	dst.Set(d.value)
	if !d.flat {
		registry.DeepCopy(dst)
	}
}
