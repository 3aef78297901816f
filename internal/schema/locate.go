package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
)

// Locate says which values of a document do not fit the Go types of their
// fields. It is for a document that passed Check and that encoding/json then
// refused (a number beyond the type, a text that the type itself refuses):
// encoding/json does not say where. It is slow.
func (c *Checker) Locate(data []byte, location string) []registry.Field {
	var doc any
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	if err := dec.Decode(&doc); err != nil {
		return []registry.Field{{Location: location, Message: "expected JSON: " + err.Error()}}
	}
	w := newWalker(c)
	defer w.free()
	w.push(location)
	w.locate(c.root, doc)
	if len(w.found) == 0 {
		w.fault("does not fit " + c.root.t.String())
	}
	return w.found
}

func (w *walker) locate(n *node, doc any) {
	switch doc := doc.(type) {
	case map[string]any:
		if n.kind == object || n.kind == dict {
			w.locateIn(n, doc)
			return
		}
	case []any:
		if n.kind == array {
			for i, v := range doc {
				w.pushIndex(i)
				w.locate(n.elem, v)
				w.pop()
			}
			return
		}
	}
	w.try(n, doc)
}

func (w *walker) locateIn(n *node, m map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(m)) {
		below := n.elem
		if n.kind == object {
			i, ok := n.shape.byName[name]
			if !ok {
				continue
			}
			below = n.shape.list[i].node
		}
		w.push(name)
		w.locate(below, m[name])
		w.pop()
	}
}

func (w *walker) try(n *node, doc any) {
	data, err := json.Marshal(doc)
	if err == nil {
		err = json.Unmarshal(data, reflect.New(n.t).Interface())
	}
	if err == nil {
		return
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		w.fault(fmt.Sprintf("%s does not fit %s", wrong.Value, wrong.Type))
		return
	}
	w.fault(err.Error())
}
