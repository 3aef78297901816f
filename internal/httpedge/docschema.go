package httpedge

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// docSchema is as much of a schema as the page shows.
type docSchema struct {
	Ref         string               `json:"$ref"`
	Type        docTypes             `json:"type"`
	Format      string               `json:"format"`
	Description string               `json:"description"`
	Properties  map[string]docSchema `json:"properties"`
	Required    []string             `json:"required"`
	Items       *docSchema           `json:"items"`
	Additional  docMore              `json:"additionalProperties"`
	Enum        []json.RawMessage    `json:"enum"`
	Default     json.RawMessage      `json:"default"`
	Examples    []json.RawMessage    `json:"examples"`
	Deprecated  bool                 `json:"deprecated"`
	ReadOnly    bool                 `json:"readOnly"`

	Minimum, Maximum, ExclusiveMinimum, ExclusiveMaximum, MultipleOf json.Number

	MinLength, MaxLength, MinItems, MaxItems *int64

	Pattern     string `json:"pattern"`
	UniqueItems bool   `json:"uniqueItems"`
}

// docTypes is one type or several.
type docTypes []string

// UnmarshalJSON implements json.Unmarshaler.
func (t *docTypes) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '"' {
		*t = docTypes{""}
		return json.Unmarshal(data, &(*t)[0])
	}
	return json.Unmarshal(data, (*[]string)(t))
}

// docMore is what other properties are: a schema, or whether there may be any.
type docMore struct{ schema *docSchema }

// UnmarshalJSON implements json.Unmarshaler.
func (m *docMore) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '{' {
		return json.Unmarshal(data, &m.schema)
	}
	return nil
}

// shape is the type of a value in words, around a link to a named schema if it
// has one: "list of" Item.
type shape struct{ Before, Link string }

// named is the name of the schema that is referred to.
func (s *docSchema) named() string { return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:] }

func (s *docSchema) shape() shape {
	switch {
	case s.Ref != "":
		return shape{Link: s.named()}
	case s.Items != nil:
		return s.Items.shape().within("list of ")
	case s.Additional.schema != nil:
		return s.Additional.schema.shape().within("map of ")
	case len(s.Type) == 0:
		return shape{Before: "anything"}
	case s.Format != "":
		return shape{Before: strings.Join(s.Type, " or ") + " (" + s.Format + ")"}
	default:
		return shape{Before: strings.Join(s.Type, " or ")}
	}
}

func (s shape) within(words string) shape { return shape{words + s.Before, s.Link} }

func (s *docSchema) media(form string) docsMedia {
	return docsMedia{Type: form, Shape: s.shape(), Fields: s.fields("")}
}

func (s *docSchema) field(name, in string, required bool, doc string, deprecated bool) docsField {
	return docsField{Name: name, In: in, Shape: s.shape(), Required: required, Rules: s.rules(), Doc: doc, Deprecated: deprecated || s.Deprecated}
}

// fields are the properties of an object, those of objects without a name
// within it too.
func (s *docSchema) fields(prefix string) (all []docsField) {
	if s.Items != nil && s.Ref == "" {
		return s.Items.fields(prefix + "[].")
	}
	for _, name := range sortedKeys(s.Properties) {
		if name == "$schema" {
			continue
		}
		p := s.Properties[name]
		all = append(all, p.field(prefix+name, "", slices.Contains(s.Required, name), p.Description, false))
		if p.Ref == "" {
			all = append(all, p.fields(prefix+name+".")...)
		}
	}
	return all
}

// rules are what values have to keep to, in words.
func (s *docSchema) rules() string {
	var rules []string
	add := func(format string, args ...any) { rules = append(rules, fmt.Sprintf(format, args...)) }
	for _, r := range []struct {
		words string
		n     json.Number
	}{{"≥", s.Minimum}, {"≤", s.Maximum}, {">", s.ExclusiveMinimum}, {"<", s.ExclusiveMaximum}, {"multiple of", s.MultipleOf}} {
		if r.n != "" {
			add("%s %s", r.words, r.n)
		}
	}
	for _, r := range []struct {
		words string
		n     *int64
	}{{"at least %d characters", s.MinLength}, {"at most %d characters", s.MaxLength}, {"at least %d items", s.MinItems}, {"at most %d items", s.MaxItems}} {
		if r.n != nil {
			add(r.words, *r.n)
		}
	}
	if s.Pattern != "" {
		add("matches %s", s.Pattern)
	}
	if s.UniqueItems {
		add("no item twice")
	}
	if len(s.Enum) > 0 {
		add("one of %s", joined(s.Enum))
	}
	if len(s.Default) > 0 {
		add("%s by default", s.Default)
	}
	return strings.Join(rules, ", ")
}

func joined(values []json.RawMessage) string {
	words := make([]string, len(values))
	for i, v := range values {
		words[i] = string(v)
	}
	return strings.Join(words, ", ")
}
