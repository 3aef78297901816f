package rowmap

import (
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/table"
)

// Key are the indexes of the key's columns: the fields tagged as the key, or
// else the field ID.
func (p *Plan) Key() []int { return p.key }

// KeyFault is why rows of this plan can't have a key, or nil.
func (p *Plan) KeyFault() error {
	if len(p.key) == 0 {
		return fmt.Errorf("row type %s has no key: name a field ID, or tag one with db:\"name,key\"", p.typ)
	}
	for _, i := range p.key {
		if f := &p.fields[i]; f.null || f.isJSON() {
			return fmt.Errorf("field %s: %s can't be a key: make it a string, a number, a time, or a type with MarshalText and UnmarshalText", f.name, fieldType(p.typ, f.index))
		}
	}
	for i := range p.columns {
		if p.columns[i].Fulltext && len(p.key) > 1 {
			return fmt.Errorf("field %s: only rows whose key is one field can be searched by words: give %s such a key, or remove fulltext from the tag", p.fields[i].name, p.typ)
		}
	}
	return nil
}

// IDFault is why rows of this plan can't be found by an entity's id, or nil.
func (p *Plan) IDFault() error {
	if len(p.key) > 1 {
		return fmt.Errorf("row type %s has a key of %d fields, of which an entity's id is none: say with By or Each which rows an event changes", p.typ, len(p.key))
	}
	if f := &p.fields[p.key[0]]; f.setKey == nil {
		return fmt.Errorf("field %s: a key of type %s can't hold an entity's id: make it a string, or a type with MarshalText and UnmarshalText, or say with By or Each which rows an event changes",
			f.name, fieldType(p.typ, f.index))
	}
	return nil
}

func (f *field) isJSON() bool { return len(f.shape) > 4 && f.shape[:5] == "json " }

// KeyFromID is the key of the row of an entity. row is scratch, and zero
// afterwards.
func (p *Plan) KeyFromID(dst []table.Value, row reflect.Value, id string) ([]table.Value, error) {
	f := &p.fields[p.key[0]]
	if f.plain() {
		return append(dst, table.TextValue(id)), nil
	}
	v := f.of(row)
	defer v.SetZero()
	if err := f.setKey(v, id); err != nil {
		return dst, fmt.Errorf("field %s: %w", f.name, err)
	}
	return append(dst, table.TextValue(id)), nil
}

// plain tells that every text is the key of a row.
func (f *field) plain() bool { return f.shape == "string" }

// KeyOf is the key that a row has.
func (p *Plan) KeyOf(dst []table.Value, row reflect.Value) ([]table.Value, error) {
	for _, i := range p.key {
		f := &p.fields[i]
		v, err := f.get(f.of(row))
		if err != nil {
			return dst, fmt.Errorf("field %s: %w", f.name, err)
		}
		dst = append(dst, v)
	}
	return dst, nil
}

// SetKey sets the key fields of a row.
func (p *Plan) SetKey(row reflect.Value, key []table.Value) error {
	for n, i := range p.key {
		f := &p.fields[i]
		if err := f.set(f.of(row), key[n]); err != nil {
			return fmt.Errorf("field %s: %w", f.name, err)
		}
	}
	return nil
}

// Keyer gives the keys of rows from Go values.
type Keyer struct {
	plan  *Plan
	whole bool // of rows, whose other fields are what a new row begins with
}

// Keyer makes a Keyer for values of a type: that of the rows, or that of their
// one key field.
func (p *Plan) Keyer(t reflect.Type) (*Keyer, error) {
	if t == p.typ {
		return &Keyer{p, true}, nil
	}
	if len(p.key) == 1 {
		f := &p.fields[p.key[0]]
		if want := fieldType(p.typ, f.index); t != want {
			return nil, fmt.Errorf("its keys are of type %s, but the key of the rows is the field %s of type %s: return that, or a %s", t, f.name, want, p.typ)
		}
		return &Keyer{p, false}, nil
	}
	return nil, fmt.Errorf("its keys are of type %s, but the key of the rows has %d fields: return a %s with them set", t, len(p.key), p.typ)
}

// Key appends the key that a value stands for to dst, and fills row, which has
// to be zero, with what a new row of that key begins with.
func (k *Keyer) Key(dst []table.Value, row reflect.Value, value any) ([]table.Value, error) {
	v := reflect.ValueOf(value)
	if k.whole {
		row.Set(v)
	} else {
		f := &k.plan.fields[k.plan.key[0]]
		f.of(row).Set(v)
	}
	return k.plan.KeyOf(dst, row)
}
