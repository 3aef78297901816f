package rowmap

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/table"
)

// compiler gathers a plan and what is wrong with its type.
type compiler struct {
	plan   *Plan
	taken  map[string]string // column in lower case to field
	tagged []string          // fields tagged as the key
	faults []error
}

func (c *compiler) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

// walk adds the columns of a struct, embedded structs in their place.
func (c *compiler) walk(t reflect.Type, index []int, path string) {
	for i := range t.NumField() {
		f := t.Field(i)
		at := append(append([]int(nil), index...), i)
		name, tagged := f.Tag.Lookup("db")
		switch {
		case name == "-":
			c.plan.exact = false
		case flattened(f) && !tagged:
			c.walk(f.Type, at, path+f.Name+".")
		case f.Anonymous && f.Type.Kind() == reflect.Pointer && !tagged:
			c.fault("field %s%s: an embedded pointer is not supported: embed %s itself, or leave it out with db:\"-\"", path, f.Name, f.Type.Elem())
		case !f.IsExported():
			c.plan.exact = false
		default:
			c.add(f, at, path+f.Name)
		}
	}
}

// flattened tells whether an embedded struct's fields are columns of their own.
func flattened(f reflect.StructField) bool {
	return f.Anonymous && f.Type.Kind() == reflect.Struct && f.Type != timeType && !isText(f.Type)
}

func (c *compiler) add(f reflect.StructField, index []int, path string) {
	col, ok := c.column(f, path)
	codec, err := codecOf(f.Type)
	if err != nil {
		c.fault("field %s: %w", path, err)
		ok = false
	}
	if !ok {
		return
	}
	col.Kind, col.Null = codec.kind, codec.null
	p := c.plan
	if codec.settle != nil {
		p.settles = append(p.settles, len(p.fields))
	}
	p.exact = p.exact && codec.exact
	p.fields = append(p.fields, field{codec, path, index})
	p.columns = append(p.columns, col)
}

// column reads a field's tag.
func (c *compiler) column(f reflect.StructField, path string) (table.Column, bool) {
	name, options, _ := strings.Cut(f.Tag.Get("db"), ",")
	if name == "" {
		name = Snake(f.Name)
	}
	col := table.Column{Name: name}
	for o := range strings.SplitSeq(options, ",") {
		switch o {
		case "":
		case "key":
			col.Key = true
			c.tagged = append(c.tagged, path)
		case "index":
			col.Index = true
		default:
			c.fault("field %s: its db tag asks for %q: write db:\"name\", db:\"name,key\", db:\"name,index\" or db:\"-\"", path, o)
		}
	}
	return col, c.claim(name, path)
}

func (c *compiler) claim(name, path string) bool {
	if !ValidName(name) {
		c.fault("field %s: its column would be named %q: %s; name it with a tag, as in db:\"%s\"", path, name, NameRule, "amount")
		return false
	}
	low := strings.ToLower(name)
	if other, ok := c.taken[low]; ok {
		c.fault("the fields %s and %s are both the column %q: rename one, or leave it out with db:\"-\"", other, path, name)
		return false
	}
	c.taken[low] = path
	return true
}

func (c *compiler) chooseKey() {
	p := c.plan
	if len(c.tagged) > 1 {
		c.fault("the fields %s are all tagged as the key: keep one", strings.Join(c.tagged, ", "))
		return
	}
	for i := range p.fields {
		if p.columns[i].Key || len(c.tagged) == 0 && p.fields[i].last() == "ID" {
			p.key = i
		}
	}
	if p.key < 0 {
		return
	}
	p.columns[p.key].Key = true
	p.setKey = p.fields[p.key].setKey
}

func (f *field) last() string { return f.name[strings.LastIndexByte(f.name, '.')+1:] }

// KeyFault is why rows of this plan can't be found by an entity's id, or nil.
func (p *Plan) KeyFault() error {
	if p.key < 0 {
		return fmt.Errorf("row type %s has no key: name a field ID, or tag one with db:\"name,key\"", p.typ)
	}
	if f := &p.fields[p.key]; f.setKey == nil {
		return fmt.Errorf("field %s: a key of type %s can't hold an entity's id: make it a string, or a type with MarshalText and UnmarshalText", f.name, fieldType(p.typ, f.index))
	}
	return nil
}

func fieldType(t reflect.Type, index []int) reflect.Type { return t.FieldByIndex(index).Type }
