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
	named  map[string]int    // indexes with a name, by it
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
	if col.Fulltext && codec.kind != table.Text {
		c.fault("field %s: only text can be searched by words, and this is %s: make it a string, or remove fulltext from its tag", path, f.Type)
	}
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
		c.option(&col, o, path)
	}
	return col, c.claim(name, path)
}

// option reads what a tag says after the name.
func (c *compiler) option(col *table.Column, option, path string) {
	what, index, named := strings.Cut(option, "=")
	switch {
	case option == "":
	case option == "key":
		col.Key = true
		c.tagged = append(c.tagged, path)
	case option == "index":
		col.Index = true
	case option == "fulltext":
		col.Fulltext = true
	case option == "unique":
		c.plan.indexes = append(c.plan.indexes, table.Index{Columns: []string{col.Name}, Unique: true})
	case named && index != "" && (what == "index" || what == "unique"):
		c.index(index, col.Name, what == "unique", path)
	default:
		c.fault("field %s: its db tag asks for %q: write db:\"name\" with key, index, unique, index=of_several, unique=of_several or fulltext behind it, or db:\"-\"", path, option)
	}
}

// index adds a column to an index that several fields name.
func (c *compiler) index(name, column string, unique bool, path string) {
	i, ok := c.named[name]
	if !ok {
		i = len(c.plan.indexes)
		c.named[name] = i
		c.plan.indexes = append(c.plan.indexes, table.Index{Unique: unique})
	}
	if c.plan.indexes[i].Unique != unique {
		c.fault("field %s: the index %q is unique for one field and not for another: write unique=%s for each of them", path, name, name)
	}
	c.plan.indexes[i].Columns = append(c.plan.indexes[i].Columns, column)
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

// chooseKey takes the fields that are tagged as the key, or else the field ID.
func (c *compiler) chooseKey() {
	p := c.plan
	for i := range p.fields {
		if p.columns[i].Key || len(c.tagged) == 0 && p.fields[i].last() == "ID" {
			p.columns[i].Key = true
			p.key = append(p.key, i)
		}
	}
	if len(c.tagged) == 0 && len(p.key) > 1 {
		c.fault("%d fields are named ID: tag the key with db:\"name,key\"", len(p.key))
	}
}

func (f *field) last() string { return f.name[strings.LastIndexByte(f.name, '.')+1:] }

func fieldType(t reflect.Type, index []int) reflect.Type { return t.FieldByIndex(index).Type }
