// Package seal encrypts what users tagged as personal before it is stored, under
// a key for each subject, and opens it when it is read. It works on JSON: a
// personal value is replaced by {"$sealed":"…"}, so that a document is as
// readable as before but for these values.
//
// Where a key was destroyed, null takes the value's place, which readers see as
// the zero value.
package seal

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// Plan says where in the JSON of a type personal values stand, and whose they
// are.
type Plan struct {
	typ  reflect.Type
	root *node
	// loose is a personal field that no field of the type names the subject
	// of; empty if there is none.
	loose string
}

// node is what is known of a place in the JSON.
type node struct {
	name    string
	members map[string]*member // of an object made of a struct, by folded name
	subject bool               // one of members is the subject
	each    *node              // of the elements of an array, and of a map's values
}

// member is one member of an object.
type member struct {
	name     string // of the Go field
	personal bool
	subject  bool
	inner    *node
}

// PlanOf makes the plan of a type; nil if nothing in it is personal. The error
// joins all that is wrong with the tags, and how to mend it.
func PlanOf(t reflect.Type) (*Plan, error) { return planOf(t, false) }

// PlanOfFields is PlanOf for the form that registry.EncodeFields gives a struct:
// its fields go by their Go names there.
func PlanOfFields(t reflect.Type) (*Plan, error) { return planOf(t, true) }

func planOf(t reflect.Type, byGo bool) (*Plan, error) {
	if t == nil {
		return nil, nil
	}
	b := builder{made: map[reflect.Type]*node{}}
	root := b.top(t, byGo)
	if err := errors.Join(b.faults...); err != nil {
		return nil, err
	}
	if !b.any {
		return nil, nil
	}
	p := &Plan{typ: t, root: root}
	p.loose = loose(root, map[*node]bool{})
	return p, nil
}

// Loose names a personal field whose subject the type does not tell; empty if
// there is none.
func (p *Plan) Loose() string { return p.loose }

// Named tells whether fields of the type name subjects.
func (p *Plan) Named() bool { return named(p.root, map[*node]bool{}) }

func named(n *node, seen map[*node]bool) bool {
	if n == nil || seen[n] {
		return false
	}
	seen[n] = true
	for _, m := range n.members {
		if m.subject || named(m.inner, seen) {
			return true
		}
	}
	return named(n.each, seen)
}

// loose finds a personal member that is reached without a subject.
func loose(n *node, seen map[*node]bool) string {
	if n == nil || seen[n] || n.subject {
		return ""
	}
	seen[n] = true
	for _, m := range n.members {
		if m.personal {
			return n.name + "." + m.name
		}
		if name := loose(m.inner, seen); name != "" {
			return name
		}
	}
	return loose(n.each, seen)
}

// builder makes the nodes of types. A type may refer to itself.
type builder struct {
	made   map[reflect.Type]*node
	faults []error
	any    bool // something is personal
}

func (b *builder) fault(format string, args ...any) {
	b.faults = append(b.faults, fmt.Errorf(format, args...))
}

// top is of, but by Go names for the fields of the type itself.
func (b *builder) top(t reflect.Type, byGo bool) *node {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if !byGo || t.Kind() != reflect.Struct {
		return b.of(t)
	}
	n := &node{name: t.String(), members: map[string]*member{}}
	for f := range t.Fields() {
		if f.IsExported() {
			b.add(n, t, f, f.Name)
		}
	}
	return n
}

// of is nil for what has no places within.
func (b *builder) of(t reflect.Type) *node {
	switch t.Kind() {
	case reflect.Pointer:
		return b.of(t.Elem())
	case reflect.Slice, reflect.Array, reflect.Map:
		if n, ok := b.made[t]; ok {
			return n
		}
		n := &node{name: t.String()}
		b.made[t] = n
		n.each = b.of(t.Elem())
		return n
	case reflect.Struct:
		return b.object(t)
	}
	return nil
}

func (b *builder) object(t reflect.Type) *node {
	if n, ok := b.made[t]; ok {
		return n
	}
	n := &node{name: t.String(), members: map[string]*member{}}
	b.made[t] = n
	before := b.any
	b.any = false
	b.fields(n, t)
	if b.any && writesItself(t) {
		b.fault("%s has personal fields, but writes its own JSON: remove its MarshalJSON or MarshalText, or tag the fields of type %s as personal instead", t, t)
	}
	b.any = b.any || before
	return n
}

// writesItself tells whether a type's fields are not what its JSON is made of.
func writesItself(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Marshaler]()) || p.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// fields adds the fields of a struct, and those that it embeds; the outer ones
// win, as in package json.
func (b *builder) fields(n *node, t reflect.Type) {
	var embedded []reflect.Type
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case f.Anonymous && name == "" && inner.Kind() == reflect.Struct && !writesItself(inner):
			embedded = append(embedded, inner)
		case !f.IsExported() || f.Tag.Get("json") == "-":
			b.unstored(t, f)
		case name == "":
			b.add(n, t, f, f.Name)
		default:
			b.add(n, t, f, name)
		}
	}
	for _, e := range embedded {
		b.fields(n, e)
	}
}

// unstored finds tags of fields that no JSON has.
func (b *builder) unstored(t reflect.Type, f reflect.StructField) {
	for _, tag := range []string{tagPersonal, tagSubject} {
		if _, ok := f.Tag.Lookup(tag); ok {
			b.fault("%s.%s is tagged %s, but is not in the JSON of its type: export it and give it a json tag, or remove the tag", t, f.Name, tag)
		}
	}
}

// The tags.
const (
	tagPersonal = "personal"
	tagSubject  = "subject"
)

func (b *builder) add(n *node, t reflect.Type, f reflect.StructField, name string) {
	m := &member{name: f.Name, personal: b.tagged(t, f, tagPersonal), subject: b.tagged(t, f, tagSubject)}
	switch {
	case m.personal && m.subject:
		b.fault("%s.%s is tagged as personal and as the subject, which is stored as it is: name the subject by an id that tells nothing, and remove one tag", t, f.Name)
	case m.subject && n.subject:
		b.fault("%s has two fields tagged subject: leave one", t)
	case m.subject && !names(f.Type):
		b.fault("%s.%s is tagged subject, but is a %s: make it a string or an integer", t, f.Name, f.Type)
	}
	b.any = b.any || m.personal
	n.subject = n.subject || m.subject
	if !m.personal {
		m.inner = b.of(f.Type)
	}
	key := strings.ToLower(name)
	if _, outer := n.members[key]; !outer || m.personal {
		n.members[key] = m
	}
}

func (b *builder) tagged(t reflect.Type, f reflect.StructField, tag string) bool {
	switch value, ok := f.Tag.Lookup(tag); {
	case !ok:
		return false
	case value != "true":
		b.fault(`%s.%s has the tag %s:%q: write %s:"true", or remove it`, t, f.Name, tag, value, tag)
	}
	return true
}

// names tells whether values of a type can name a subject.
func names(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.String, reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return true
	}
	return t.Kind() != reflect.Pointer && t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}
