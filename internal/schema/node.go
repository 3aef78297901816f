package schema

import (
	"maps"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
)

type kind uint8

const (
	leaf   kind = iota // huma checks the value
	object             // a struct
	array
	dict // a map
	free // anything goes
)

// node is the compiled check of one place in a document.
type node struct {
	kind     kind
	t        reflect.Type // without pointers
	schema   *huma.Schema
	nullable bool
	// loose: neither this place nor anything below it states a rule, so that a
	// Go value need not be looked at.
	loose bool
	// opaque: the type itself knows how to write and read its JSON.
	opaque bool
	// foreign: the schema is not huma's own, and need not fit the type.
	foreign bool
	elem    *node   // of an array or dict
	shape   *fields // of an object
}

// fields are those of a struct type, shared between its nodes.
type fields struct {
	list   []field
	byName map[string]int // index in list
	open   bool           // unknown names are welcome
}

type field struct {
	Field
	*node
	required   bool
	dependents []string
}

// node compiles t, whose schema is schema; tag is that of the field that holds
// it.
func (s *Set) node(t reflect.Type, schema *huma.Schema, tag reflect.StructTag) *node {
	if tag.Get("nullable") != "true" && schema.MinItems != nil && *schema.MinItems > 0 {
		schema.Nullable = false // or null would be a way around the rule
	}
	for schema.Ref != "" {
		schema = s.reg.SchemaFromRef(schema.Ref)
	}
	t = deref(t)
	n := &node{t: t, schema: schema, opaque: opaque(t), loose: !hasRule(tag) && !ruled(t, map[reflect.Type]bool{})}
	switch {
	case isFree(schema):
		n.kind, n.nullable = free, true
		return n
	case n.opaque:
	case t.Kind() == reflect.Struct && n.schema.Type == huma.TypeObject:
		n.kind, n.shape = object, s.fields(t)
	case t.Kind() == reflect.Map && values(schema) != nil:
		n.kind, n.elem = dict, s.node(t.Elem(), values(schema), "")
	case schema.Type == huma.TypeArray && isList(t):
		n.kind, n.elem = array, s.node(t.Elem(), schema.Items, tag) // huma puts the tag's other rules there
	}
	n.nullable = schema.Nullable
	n.foreign = n.kind == leaf && ownSchema(t)
	return n
}

func values(s *huma.Schema) *huma.Schema {
	v, _ := s.AdditionalProperties.(*huma.Schema)
	return v
}

func isList(t reflect.Type) bool { return t.Kind() == reflect.Slice || t.Kind() == reflect.Array }

// fields compiles those of a struct type once; it may hold itself.
func (s *Set) fields(t reflect.Type) *fields {
	if o, ok := s.objects[t]; ok {
		return o
	}
	o := &fields{byName: map[string]int{}}
	s.objects[t] = o
	schema := s.reg.Schema(t, false, t.Name())
	o.open, _ = schema.AdditionalProperties.(bool)
	s.correct(t, schema)
	for _, f := range Fields(t) {
		prop := schema.Properties[f.Name]
		if prop == nil {
			continue
		}
		if prop.Default != nil {
			schema.Required = slices.DeleteFunc(schema.Required, func(name string) bool { return name == f.Name })
		}
		o.byName[f.Name] = len(o.list)
		o.list = append(o.list, field{
			Field:      f,
			node:       s.node(f.Struct.Type, prop, f.Struct.Tag),
			required:   slices.Contains(schema.Required, f.Name) && !prop.ReadOnly,
			dependents: schema.DependentRequired[f.Name],
		})
	}
	return o
}

// correct makes the properties of a schema those that encoding/json has: huma
// leaves out what unexported embedded structs promote, and takes some embedded
// structs for fields.
func (s *Set) correct(t reflect.Type, schema *huma.Schema) {
	known := map[string]bool{}
	for _, f := range Fields(t) {
		if IsStream(f.Struct) {
			continue
		}
		known[f.Name] = true
		if schema.Properties[f.Name] != nil {
			continue
		}
		schema.Properties[f.Name] = huma.SchemaFromField(s.reg, f.Struct, t.Name()+f.Struct.Name)
		if required, ok := f.Struct.Tag.Lookup("required"); required == "true" || !ok && !f.OmitEmpty && !f.OmitZero {
			schema.Required = append(schema.Required, f.Name)
		}
	}
	maps.DeleteFunc(schema.Properties, func(name string, _ *huma.Schema) bool { return !known[name] })
	schema.Required = slices.DeleteFunc(schema.Required, func(name string) bool { return !known[name] })
	schema.PrecomputeMessages()
}

func isFree(s *huma.Schema) bool {
	return s.Type == "" && s.Ref == "" && s.Enum == nil && s.OneOf == nil && s.AnyOf == nil && s.AllOf == nil && s.Not == nil
}
