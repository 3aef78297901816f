package snapshot

import (
	"cmp"
	"reflect"
	"slices"
)

// Tree tells whether nothing in a state is referred to twice: where something
// is, changes through one reference are seen through the other, and that is
// lost in JSON. Types that write and read their own JSON or text are not looked
// into, but for that of the state itself.
func Tree(state any) bool {
	w := walk{seen: map[uintptr]bool{}}
	v := reflect.ValueOf(state).Elem()
	w.take(v.UnsafeAddr(), v.Type().Size())
	w.within(v)
	return !w.twice && w.apart()
}

// walk collects the memory that a value refers to.
type walk struct {
	regions []region
	seen    map[uintptr]bool
	twice   bool
}

type region struct{ from, to uintptr }

// take notes a piece of memory; false if it begins where another one did.
func (w *walk) take(from, size uintptr) bool {
	if size == 0 {
		return true
	}
	if w.seen[from] {
		w.twice = true
		return false
	}
	w.seen[from] = true
	w.regions = append(w.regions, region{from, from + size})
	return true
}

func (w *walk) apart() bool {
	slices.SortFunc(w.regions, func(a, b region) int { return cmp.Compare(a.from, b.from) })
	for i := range w.regions[:max(0, len(w.regions)-1)] {
		if w.regions[i].to > w.regions[i+1].from {
			return false
		}
	}
	return true
}

func (w *walk) value(v reflect.Value) {
	if v.Kind() != reflect.Pointer && own(v.Type()) == none {
		w.within(v)
		return
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() && w.take(v.Pointer(), v.Type().Elem().Size()) {
		w.value(v.Elem())
	}
}

// within goes into what a value holds.
func (w *walk) within(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		w.value(v)
	case reflect.Struct:
		for i := range v.NumField() {
			w.value(v.Field(i))
		}
	case reflect.Slice:
		if v.Cap() > 0 && w.take(v.Pointer(), uintptr(v.Cap())*v.Type().Elem().Size()) {
			w.each(v)
		}
	case reflect.Array:
		w.each(v)
	case reflect.Map:
		if !v.IsNil() && w.take(v.Pointer(), 1) && refers(v.Type().Elem()) {
			for iter := v.MapRange(); iter.Next(); {
				w.value(iter.Value())
			}
		}
	}
}

func (w *walk) each(v reflect.Value) {
	if !refers(v.Type().Elem()) {
		return
	}
	for i := range v.Len() {
		w.value(v.Index(i))
	}
}

// refers tells whether values of a type may refer to something.
func refers(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Struct, reflect.Array, reflect.Slice, reflect.Map, reflect.Pointer:
		return true
	}
	return false
}
