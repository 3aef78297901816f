package rowmap

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/talix-dev/talix/table"
)

// Input gives the parameters of a query from the fields of a struct.
type Input struct {
	typ    reflect.Type
	names  []string
	fields map[string][]inputField
}

type inputField struct {
	typ   reflect.Type
	name  string // in Go
	index []int
}

// NewInput finds the parameters that a type has: one for each exported field,
// those of embedded structs included. A parameter has the name of the field's
// path, query, header or json tag, or else its Go name in snake case; what may
// not stand in a parameter's name, as the dash of a header, is an underscore.
func NewInput(t reflect.Type) *Input {
	in := &Input{typ: t, fields: map[string][]inputField{}}
	if t != nil && t.Kind() == reflect.Struct {
		in.walk(t, nil, "")
	}
	return in
}

func (in *Input) walk(t reflect.Type, index []int, path string) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		if flattened(f) {
			in.walk(f.Type, at, path+f.Name+".")
			continue
		}
		if !f.IsExported() {
			continue
		}
		name := paramName(f)
		if len(in.fields[name]) == 0 {
			in.names = append(in.names, name)
		}
		in.fields[name] = append(in.fields[name], inputField{f.Type, path + f.Name, at})
	}
}

func paramName(f reflect.StructField) string {
	for _, key := range [...]string{"path", "query", "header", "json"} {
		name, _, _ := strings.Cut(f.Tag.Get(key), ",")
		if name != "" && name != "-" {
			return strings.Map(paramRune, name)
		}
	}
	return Snake(f.Name)
}

func paramRune(r rune) rune {
	if r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
		return r
	}
	return '_'
}

// Names are the names of all parameters, in order of the fields.
func (in *Input) Names() []string { return slices.Clone(in.names) }

// Param gives the values of one parameter.
type Param struct {
	field
	Name string
	// Set tells that the parameter is a set: JSON text, an array of values of
	// Kind. A nil slice is NULL.
	Set  bool
	Kind table.Kind // of the value, or of the set's elements
}

// Param finds a parameter by its name.
func (in *Input) Param(name string) (*Param, error) {
	found := in.fields[name]
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("parameter :%s is no field of %s, which has %s: add a field tagged query:%q, or rename the parameter", name, in.typ, in.listed(), name)
	case 1:
	default:
		return nil, fmt.Errorf("parameter :%s is both the field %s and the field %s of %s: rename one", name, found[0].name, found[1].name, in.typ)
	}
	f := found[0]
	p := &Param{field: field{name: f.name, index: f.index}, Name: name}
	var err error
	if p.Set = isSet(f.typ); p.Set {
		p.codec, p.Kind, err = setCodec(f.typ)
	} else {
		p.codec, err = codecOf(f.typ)
		p.Kind = p.codec.kind
	}
	if err != nil {
		return nil, fmt.Errorf("parameter :%s is the field %s: %w", name, f.name, err)
	}
	return p, nil
}

func (in *Input) listed() string {
	if len(in.names) == 0 {
		return "none"
	}
	return ":" + strings.Join(in.names, ", :")
}

// Arg is the parameter with its value in an addressable input.
func (p *Param) Arg(in reflect.Value) (table.Arg, error) {
	v, err := p.get(p.of(in))
	if err != nil {
		return table.Arg{}, fmt.Errorf("field %s: %w", p.field.name, err)
	}
	return table.Arg{Name: p.Name, Value: v}, nil
}
