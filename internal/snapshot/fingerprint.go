package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Fingerprint tells reducers apart: the shape of the state, the events with
// their schemas and shapes, and the number that the definition names for its
// code. A snapshot made under another one is not used.
func Fingerprint(e *registry.Entity) string {
	b := fmt.Appendf(nil, "reducer 1 %q %d\n", e.Type, e.CodeVersion)
	b = draw(b, e.State, map[reflect.Type]bool{})
	for _, ev := range e.Events {
		b = fmt.Appendf(b, "\nevent %q %d ", ev.Type, ev.Schema)
		b = draw(b, ev.Go, map[reflect.Type]bool{})
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
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
