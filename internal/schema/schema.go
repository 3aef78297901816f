// Package schema makes checks and OpenAPI schemas of Go types: what struct tags
// demand (required, minLength, pattern, format, minimum, enum, …), on values of
// JSON documents and on Go values.
//
// The rules, their messages and the schemas are huma's. What is done here is
// the walk through objects, arrays and maps: huma matches names without regard
// to case, which would let a second spelling of a name past the rules, and
// panics on some tags and on some documents.
package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/talix-dev/talix/internal/registry"
)

const refPrefix = "#/components/schemas/"

// Set holds the checks and schemas of one document. Everything is compiled
// before the first check; from then on its checkers may be used from many
// goroutines.
type Set struct {
	// Custom, if set, makes the check of a type instead of the rules in its
	// tags; a nil check stands for nothing to check. That a document fits the
	// type (names, JSON types, nesting) is checked all the same. It is set
	// before the first Checker.
	Custom func(t reflect.Type) (check func(doc any) []registry.Field, err error)

	reg      huma.Registry
	objects  map[reflect.Type]*fields
	checkers map[reflect.Type]*Checker
	untold   map[reflect.Type]bool // types of which only their own code knows the JSON
	walkers  sync.Pool             // of *walker
}

// New is an empty set.
func New() *Set {
	return &Set{
		reg:      huma.NewMapRegistry(refPrefix, newNames().of),
		objects:  map[reflect.Type]*fields{},
		checkers: map[reflect.Type]*Checker{},
		untold:   map[reflect.Type]bool{},
	}
}

// Checker makes the check of a type. The error says which fields of which types
// have bad tags, all of them.
func (s *Set) Checker(t reflect.Type) (*Checker, error) {
	return s.Named(t, t.Name())
}

// Named is Checker for a type that may have no name of its own: name is what
// the document calls it then.
func (s *Set) Named(t reflect.Type, name string) (*Checker, error) {
	if c, ok := s.checkers[t]; ok {
		return c, nil
	}
	c, err := s.Part(t, name)
	if err == nil && s.Custom != nil {
		c.custom, err = s.Custom(t)
	}
	if err != nil {
		return nil, err
	}
	s.checkers[t] = c
	return c, nil
}

// Part is Named for the type of a part of some input, of which a custom check
// sees the whole only.
func (s *Set) Part(t reflect.Type, name string) (*Checker, error) {
	if err := s.verify(t); err != nil {
		return nil, err
	}
	c := &Checker{set: s, hasCustom: s.Custom != nil}
	err := contain(t, func() {
		c.schema = s.reg.Schema(t, true, name)
		c.root = s.node(t, c.schema, "")
	})
	return c, err
}

// Param is the schema of one field that stands on its own: a parameter of a
// request.
type Param struct {
	*Checker
	Description string
	Deprecated  bool
	Hidden      bool
}

// Param makes the check of one field by its own tags.
func (s *Set) Param(f reflect.StructField) (*Param, error) {
	p := &Param{Checker: &Checker{set: s}}
	err := errors.Join(s.verifyField(f), s.verify(f.Type))
	if err == nil {
		err = contain(f.Type, func() {
			p.schema = huma.SchemaFromField(s.reg, f, f.Name)
			p.schema.Nullable = f.Tag.Get("nullable") == "true" // a parameter is left out, not null
			p.root = s.node(f.Type, p.schema, f.Tag)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("field %s: %w", f.Name, err)
	}
	p.Description, p.Deprecated = p.schema.Description, p.schema.Deprecated
	p.Hidden = f.Tag.Get("hidden") == "true"
	p.hasCustom = s.Custom != nil
	return p, nil
}

// Default is the value that a field's default tag states, of the field's type.
func (s *Set) Default(f reflect.StructField) (v reflect.Value, ok bool, err error) {
	if f.Tag.Get("default") == "" {
		return v, false, nil
	}
	err = contain(f.Type, func() {
		fs := huma.SchemaFromField(s.scratch(), f, f.Name)
		v = reflect.New(f.Type).Elem()
		v.Set(reflect.ValueOf(fs.Default))
	})
	return v, err == nil, err
}

// Schema is a type's schema for the document, mostly a reference into Schemas.
// name is what a type without a name is called.
func (s *Set) Schema(t reflect.Type, name string) (json.Marshaler, error) {
	if err := s.verify(t); err != nil {
		return nil, err
	}
	var schema *huma.Schema
	err := contain(t, func() {
		schema = s.reg.Schema(t, true, name)
		s.node(t, schema, "") // corrects it
	})
	return schema, err
}

// Schemas are the types that references of the document name.
func (s *Set) Schemas() map[string]json.Marshaler {
	m := map[string]json.Marshaler{}
	for name, schema := range s.reg.Map() {
		m[name] = schema
	}
	return m
}

// scratch is a registry for trials, which leave half-made schemas behind.
func (s *Set) scratch() huma.Registry {
	r := huma.NewMapRegistry(refPrefix, newNames().of)
	for t := range s.untold {
		r.RegisterTypeAlias(t, anyType)
	}
	return r
}

// contain runs what may panic on the tags of t.
func contain(t reflect.Type, f func()) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("type %s: %v", t, strings.TrimSpace(fmt.Sprint(r)))
		}
	}()
	f()
	return nil
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}
