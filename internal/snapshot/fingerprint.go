package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
)

// Fingerprint tells reducers apart: the shape of the state, the events with
// their schemas and shapes, present and past ones, and the number that the
// definition names for its code. A snapshot made under another one is not used.
func Fingerprint(e *registry.Entity) string {
	b := fmt.Appendf(nil, "reducer 1 %q %d\n", e.Type, e.CodeVersion)
	b = draw(b, e.State, map[reflect.Type]bool{})
	for _, ev := range e.Events {
		b = fmt.Appendf(b, "\nevent %q %d ", ev.Type, ev.Schema)
		b = draw(b, ev.Go, map[reflect.Type]bool{})
	}
	b = drawPast(b, e)
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// drawPast adds what becomes of events that are not in present form.
func drawPast(b []byte, e *registry.Entity) []byte {
	if e.SkipUnknown {
		b = append(b, "\nothers are skipped"...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Past)) {
		p := e.Past[name]
		b = fmt.Appendf(b, "\npast %q %q %d %t", name, p.Name, p.Newest(), p.Retired)
		for _, shape := range p.Shapes {
			b = fmt.Appendf(b, "\nshape %t ", shape.Splits)
			if shape.Go != nil {
				b = draw(b, shape.Go, map[reflect.Type]bool{})
			}
		}
	}
	return b
}

// draw adds the shape of a type.
func draw(b []byte, t reflect.Type, seen map[reflect.Type]bool) []byte {
	b = fmt.Appendf(b, "%s %s", t.Kind(), t)
	if seen[t] || own(t) != none {
		return b
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			b = fmt.Appendf(b, "\n%s %q ", f.Name, f.Tag.Get("json"))
			b = draw(b, f.Type, seen)
		}
		b = append(b, "\nend"...)
	case reflect.Map:
		b = draw(b, t.Key(), seen)
		b = draw(b, t.Elem(), seen)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		b = draw(b, t.Elem(), seen)
	}
	return b
}
