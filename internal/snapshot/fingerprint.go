package snapshot

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Fingerprint tells reducers apart: the shape of the state, the events with
// their schemas and shapes, and the number that the definition names for its
// code. A snapshot made under another one is not used.
func Fingerprint(e *registry.Entity) string {
	h := sha256.New()
	fmt.Fprintf(h, "reducer 1 %q %d\n", e.Type, e.CodeVersion)
	draw(h, e.State, map[reflect.Type]bool{})
	for _, ev := range e.Events {
		fmt.Fprintf(h, "\nevent %q %d ", ev.Type, ev.Schema)
		draw(h, ev.Go, map[reflect.Type]bool{})
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// draw writes the shape of a type.
func draw(w io.Writer, t reflect.Type, seen map[reflect.Type]bool) {
	fmt.Fprintf(w, "%s %s", t.Kind(), t)
	if seen[t] || own(t) != none {
		return
	}
	seen[t] = true
	switch t.Kind() {
	case reflect.Struct:
		for f := range t.Fields() {
			fmt.Fprintf(w, "\n%s %q ", f.Name, f.Tag.Get("json"))
			draw(w, f.Type, seen)
		}
		fmt.Fprint(w, "\nend")
	case reflect.Map:
		draw(w, t.Key(), seen)
		draw(w, t.Elem(), seen)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		draw(w, t.Elem(), seen)
	}
}
