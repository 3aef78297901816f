// Package form makes forms of JSON Schemas, and JSON of what was entered.
package form

import (
	"encoding/json"
	"slices"
	"strings"
)

// Kind says what a field looks like.
type Kind string

// The kinds. JSON is for what has no simpler form: the value is written as
// JSON.
const (
	Text   Kind = "text"
	Number Kind = "number"
	Choice Kind = "choice"
	Bool   Kind = "bool"
	JSON   Kind = "json"
)

// Field is one field of a form.
type Field struct {
	// Name is where its value goes: the names of members, with dots between
	// them, as in input.address.city; the first one is the prefix.
	Name     string
	Label    string
	Doc      string
	Kind     Kind
	Integer  bool // of Number
	Required bool
	Default  string
	Options  []string // of Choice
	Min, Max string
	path     []string
}

// object is what a form needs of a JSON Schema.
type object struct {
	Ref         string                     `json:"$ref"`
	Type        any                        `json:"type"`
	Description string                     `json:"description"`
	Properties  map[string]json.RawMessage `json:"properties"`
	Required    []string                   `json:"required"`
	Enum        []any                      `json:"enum"`
	Default     any                        `json:"default"`
	Minimum     json.Number                `json:"minimum"`
	Maximum     json.Number                `json:"maximum"`
	Additional  any                        `json:"additionalProperties"`
	ReadOnly    bool                       `json:"readOnly"`
}

// maxDepth is how deep the members of objects get fields of their own; types
// may hold themselves.
const maxDepth = 4

// Fields are those of a schema. defs are the schemas that it refers to, by the
// last part of their reference. A schema that says nothing is one JSON field.
func Fields(schema json.RawMessage, defs map[string]json.RawMessage, prefix string) []Field {
	f := former{defs}
	return f.fields(schema, Field{Name: prefix, Label: prefix, Required: true}, 0)
}

type former struct{ defs map[string]json.RawMessage }

// resolve follows references, a few times at most.
func (f former) resolve(schema json.RawMessage) (o object, ok bool) {
	for range 8 {
		o = object{}
		if len(schema) == 0 || json.Unmarshal(schema, &o) != nil {
			return o, false
		}
		if o.Ref == "" {
			return o, true
		}
		schema = f.defs[o.Ref[strings.LastIndexByte(o.Ref, '/')+1:]]
	}
	return o, false
}

func (f former) fields(schema json.RawMessage, at Field, depth int) []Field {
	o, ok := f.resolve(schema)
	if !ok {
		at.Kind = JSON
		return []Field{at}
	}
	if typeOf(o.Type) == "object" && depth < maxDepth && o.Additional != true && (len(o.Properties) > 0 || depth == 0) {
		return f.members(o, at, depth)
	}
	return []Field{at.of(o)}
}

func (f former) members(o object, at Field, depth int) (all []Field) {
	for _, name := range o.names() {
		member := Field{
			Name: at.Name + "." + name, Label: strings.TrimPrefix(at.Label+"."+name, at.root()+"."), path: append(slices.Clone(at.path), name),
			Required: at.Required && slices.Contains(o.Required, name),
		}
		for _, m := range f.fields(o.Properties[name], member, depth+1) {
			if m.Name != at.Name+".$schema" {
				all = append(all, m)
			}
		}
	}
	return all
}

func (at Field) root() string {
	first, _, _ := strings.Cut(at.Name, ".")
	return first
}

// names are those of the members: the required ones first, in their order.
func (o object) names() []string {
	var rest []string
	for name := range o.Properties {
		if !slices.Contains(o.Required, name) {
			rest = append(rest, name)
		}
	}
	slices.Sort(rest)
	return append(slices.Clone(o.Required), rest...)
}

// of gives a field the kind of a value.
func (at Field) of(o object) Field {
	at.Doc, at.Min, at.Max = o.Description, o.Minimum.String(), o.Maximum.String()
	if o.Default != nil {
		at.Default = plain(o.Default)
	}
	switch t := typeOf(o.Type); {
	case len(o.Enum) > 0 && t == "string":
		at.Kind = Choice
		for _, v := range o.Enum {
			at.Options = append(at.Options, plain(v))
		}
	case t == "string":
		at.Kind = Text
	case t == "integer" || t == "number":
		at.Kind, at.Integer = Number, t == "integer"
	case t == "boolean":
		at.Kind = Bool
	default:
		at.Kind = JSON
	}
	return at
}

// typeOf is the type that is not null.
func typeOf(t any) string {
	switch t := t.(type) {
	case string:
		return t
	case []any:
		for _, one := range t {
			if s, _ := one.(string); s != "null" && s != "" {
				return s
			}
		}
	}
	return ""
}

func plain(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	data, err := json.Marshal(v)
	if err != nil { // what was read can be written
		return ""
	}
	return string(data)
}
