package schema

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/talix-dev/talix/internal/registry"
)

// Checker is the check of one type. It may be used from many goroutines.
type Checker struct {
	set       *Set
	schema    *huma.Schema
	root      *node
	hasCustom bool
	custom    func(doc any) []registry.Field
}

// Trivial tells that no Go value can break a rule: there are none.
func (c *Checker) Trivial() bool {
	if c.hasCustom {
		return c.custom == nil
	}
	return c.root.loose
}

// Demands tells that a document has to be given: an empty object would not do.
func (c *Checker) Demands() bool {
	return c.root.kind != object || slices.ContainsFunc(c.root.shape.list, func(f field) bool { return f.required })
}

// Doc is the schema for the document.
func (c *Checker) Doc() *huma.Schema { return c.schema }

// Check says what is wrong with a document: what decoding JSON into an any
// gives, except that it has no numbers beyond float64. location is what the
// document is called, as in "body".
func (c *Checker) Check(doc any, location string) []registry.Field {
	w := newWalker(c)
	defer w.free()
	w.path = append(w.path, step{location, -1})
	w.doc(c.root, doc)
	if c.custom != nil && len(w.found) == 0 {
		return c.custom(doc)
	}
	return w.found
}

// walker goes through one document or value.
type walker struct {
	set    *Set
	shape  bool // only names and structure; the rules are another's
	path   []step
	found  []registry.Field
	buffer *huma.PathBuffer
	result huma.ValidateResult
}

type step struct {
	name  string
	index int // of an array's item; -1: a name
}

// maxFound bounds what one answer tells.
const maxFound = 50

func newWalker(c *Checker) *walker {
	w, ok := c.set.walkers.Get().(*walker)
	if !ok {
		w = &walker{set: c.set, buffer: huma.NewPathBuffer(nil, 0)}
	}
	w.shape = c.hasCustom
	return w
}

func (w *walker) free() {
	clear(w.path)
	clear(w.result.Errors)
	w.path, w.found = w.path[:0], nil
	w.result.Reset()
	w.set.walkers.Put(w)
}

func (w *walker) push(name string) { w.path = append(w.path, step{name, -1}) }

func (w *walker) pushIndex(i int) { w.path = append(w.path, step{index: i}) }

func (w *walker) pop() { w.path = w.path[:len(w.path)-1] }

func (w *walker) fault(message string) {
	if len(w.found) < maxFound {
		w.found = append(w.found, registry.Field{Location: w.location(), Message: message})
	}
}

func (w *walker) location() string {
	var b []byte
	for _, s := range w.path {
		switch {
		case s.index >= 0:
			b = append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
		case len(b) > 0:
			b = append(append(b, '.'), s.name...)
		default:
			b = append(b, s.name...)
		}
	}
	return string(b)
}

func (w *walker) doc(n *node, doc any) {
	if n.kind == free || doc == nil && n.nullable {
		return
	}
	switch n.kind {
	case object:
		if m, ok := doc.(map[string]any); ok {
			w.object(n.shape, m)
			return
		}
		w.fault("expected object")
	case dict:
		if m, ok := doc.(map[string]any); ok {
			w.dict(n, m)
			return
		}
		w.fault("expected object")
	case array:
		if list, ok := doc.([]any); ok {
			w.array(n, list)
			return
		}
		w.fault("expected array")
	default:
		w.leaf(n, doc)
	}
}

func (w *walker) object(o *fields, m map[string]any) {
	known := 0
	for i := range o.list {
		f := &o.list[i]
		v, ok := m[f.Name]
		if ok {
			known++
		}
		w.field(f, v, ok)
		if v != nil {
			w.dependents(f, func(name string) bool { return m[name] != nil })
		}
	}
	if known == len(m) || o.open {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		if _, ok := o.byName[name]; !ok {
			w.faultAt(name, "unknown field")
		}
	}
}

func (w *walker) field(f *field, v any, given bool) {
	switch {
	case !given && f.required:
		w.faultAt(f.Name, "is required")
	case v == nil && !f.required: // absent or null, and may be
	default:
		w.push(f.Name)
		w.doc(f.node, v)
		w.pop()
	}
}

func (w *walker) faultAt(name, message string) {
	w.push(name)
	w.fault(message)
	w.pop()
}

func (w *walker) dependents(f *field, given func(name string) bool) {
	for _, name := range f.dependents {
		if !w.shape && !given(name) {
			w.faultAt(name, "is required when "+f.Name+" is given")
		}
	}
}

func (w *walker) dict(n *node, m map[string]any) {
	w.count(len(m), n.schema.MinProperties, n.schema.MaxProperties, "properties")
	if n.elem.kind == free {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		w.push(name)
		w.doc(n.elem, m[name])
		w.pop()
	}
}

func (w *walker) array(n *node, list []any) {
	w.count(len(list), n.schema.MinItems, n.schema.MaxItems, "items")
	clean := len(w.found)
	for i, v := range list {
		w.pushIndex(i)
		w.doc(n.elem, v)
		w.pop()
	}
	if n.schema.UniqueItems && !w.shape && clean == len(w.found) {
		w.unique(list)
	}
}

// unique is for lists of scalars, as their own checks have found.
func (w *walker) unique(list []any) {
	seen := make(map[any]bool, len(list))
	for _, v := range list {
		if seen[v] {
			w.fault("expected items to be unique")
			return
		}
		seen[v] = true
	}
}

func (w *walker) count(n int, least, most *int, what string) {
	switch {
	case w.shape:
	case least != nil && n < *least:
		w.fault(fmt.Sprintf("expected at least %d %s", *least, what))
	case most != nil && n > *most:
		w.fault(fmt.Sprintf("expected at most %d %s", *most, what))
	}
}

func (w *walker) leaf(n *node, v any) {
	if w.shape {
		return
	}
	if v == "" && n.schema.ContentEncoding == "base64" { // huma takes no bytes for bad base64
		w.noBytes(n)
		return
	}
	if n.foreign {
		defer w.contain()
	}
	w.buffer.Reset()
	huma.Validate(w.set.reg, n.schema, w.buffer, huma.ModeWriteToServer, v, &w.result)
	if len(w.result.Errors) > 0 {
		w.adopt()
	}
}

func (w *walker) noBytes(n *node) {
	if least := n.schema.MinLength; least != nil && *least > 0 {
		w.fault(fmt.Sprintf("expected length >= %d", *least))
	}
}

// contain is for schemas of users' own, on some of which huma panics where a
// document does not fit them.
func (w *walker) contain() {
	if r := recover(); r != nil {
		w.result.Reset()
		w.fault("does not fit its schema")
	}
}

// adopt takes over what huma has found below the present place.
func (w *walker) adopt() {
	for _, err := range w.result.Errors {
		detail, ok := errors.AsType[*huma.ErrorDetail](err)
		if !ok {
			w.fault(err.Error())
			continue
		}
		if detail.Location == "" {
			w.fault(detail.Message)
			continue
		}
		w.faultAt(detail.Location, detail.Message)
	}
	clear(w.result.Errors)
	w.result.Reset()
}
