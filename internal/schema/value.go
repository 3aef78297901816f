package schema

import (
	"encoding/json"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// maxDepth bounds how deep a Go value is followed; one that refers to itself
// has no end.
const maxDepth = 200

// Value says what is wrong with a Go value of the checker's type that never was
// JSON. Locations begin with the names of its fields. A field that JSON would
// leave out (omitempty, omitzero) counts as not given, and an empty slice or map
// as empty also where it is nil.
func (c *Checker) Value(v any) []registry.Field {
	if c.Trivial() {
		return nil
	}
	rv := reflect.ValueOf(v)
	if c.hasCustom {
		doc, err := generic(c.root, rv, 0)
		if err != nil {
			return []registry.Field{{Location: "input", Message: err.Error()}}
		}
		return c.custom(doc)
	}
	w := newWalker(c)
	defer w.free()
	w.value(c.root, rv)
	return w.rooted()
}

// At is Value for a value that stands at a location, without a custom check.
func (c *Checker) At(v reflect.Value, location string) []registry.Field {
	w := newWalker(c)
	defer w.free()
	w.push(location)
	w.value(c.root, v)
	return w.found
}

// rooted gives what was found at the root a location.
func (w *walker) rooted() []registry.Field {
	for i := range w.found {
		if w.found[i].Location == "" {
			w.found[i].Location = "input"
		}
	}
	return w.found
}

func (w *walker) value(n *node, v reflect.Value) {
	if n.loose || n.kind == free {
		return
	}
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			w.absent(n)
			return
		}
		v = v.Elem()
	}
	if len(w.path) > maxDepth {
		w.fault("is nested too deep, or refers to itself")
		return
	}
	switch n.kind {
	case object:
		w.structure(n.shape, v)
	case dict:
		w.entries(n, v)
	case array:
		w.items(n, v)
	default:
		w.leafOf(n, v)
	}
}

func (w *walker) absent(n *node) {
	if !n.nullable {
		w.fault("is required")
	}
}

func (w *walker) structure(o *fields, v reflect.Value) {
	for i := range o.list {
		f := &o.list[i]
		if f.loose {
			continue
		}
		fv, ok := f.of(v)
		switch {
		case ok:
			w.push(f.Name)
			w.value(f.node, fv)
			w.pop()
			w.dependents(f, func(name string) bool {
				j, known := o.byName[name]
				if !known {
					return true
				}
				_, ok := o.list[j].of(v)
				return ok
			})
		case f.required:
			w.faultAt(f.Name, "is required")
		}
	}
}

// of is the field's value, or false where it is not given.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	fv, ok := f.written(v)
	return fv, ok && (f.required || fv.Kind() != reflect.Pointer || !fv.IsNil())
}

// written is the field's value, or false where JSON leaves it out.
func (f *field) written(v reflect.Value) (reflect.Value, bool) {
	fv, err := v.FieldByIndexErr(f.Index)
	if err != nil { // within an embedded pointer that is nil
		return fv, false
	}
	return fv, (!f.OmitEmpty || !isEmpty(fv)) && (!f.OmitZero || !isZero(fv))
}

func isZero(v reflect.Value) bool {
	if z, ok := v.Interface().(interface{ IsZero() bool }); ok && (v.Kind() != reflect.Pointer || !v.IsNil()) {
		return z.IsZero()
	}
	return v.IsZero()
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

func (w *walker) entries(n *node, v reflect.Value) {
	w.count(v.Len(), n.schema.MinProperties, n.schema.MaxProperties, "properties")
	if n.elem.loose {
		return
	}
	for it := v.MapRange(); it.Next(); {
		w.push(keyOf(it.Key()))
		w.value(n.elem, it.Value())
		w.pop()
	}
}

func keyOf(k reflect.Value) string {
	data, err := json.Marshal(k.Interface())
	if err != nil {
		return k.String()
	}
	var s string
	if json.Unmarshal(data, &s) != nil {
		return string(data)
	}
	return s
}

func (w *walker) items(n *node, v reflect.Value) {
	w.count(v.Len(), n.schema.MinItems, n.schema.MaxItems, "items")
	clean := len(w.found)
	for i := range v.Len() {
		w.pushIndex(i)
		w.value(n.elem, v.Index(i))
		w.pop()
	}
	if n.schema.UniqueItems && clean == len(w.found) {
		w.uniqueOf(v)
	}
}

func (w *walker) uniqueOf(v reflect.Value) {
	list := make([]any, v.Len())
	for i := range list {
		list[i] = scalar(v.Index(i))
	}
	w.unique(list)
}

// leafOf gives huma the value in the form that it would have in a document.
func (w *walker) leafOf(n *node, v reflect.Value) {
	if !n.opaque {
		w.leaf(n, scalar(v))
		return
	}
	doc, err := genericLeaf(n, v)
	if err != nil {
		w.fault(err.Error())
		return
	}
	w.leaf(n, doc)
}
