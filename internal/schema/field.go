package schema

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// Field is a field of a struct as encoding/json sees it.
type Field struct {
	Name      string // in JSON
	Index     []int
	Struct    reflect.StructField
	OmitEmpty bool
	OmitZero  bool
	String    bool // the option ",string"
	tagged    bool
}

// Fields lists the fields that JSON has for a struct type, those of embedded
// structs included, by the rules of encoding/json for names that stand more
// than once.
func Fields(t reflect.Type) []Field {
	var all []Field
	collect(t, nil, map[reflect.Type]bool{}, &all)
	best := map[string]int{} // index in all; -1: ambiguous
	for i, f := range all {
		j, ok := best[f.Name]
		switch {
		case !ok:
			best[f.Name] = i
		case j >= 0 && f.beats(all[j]):
			best[f.Name] = i
		case j >= 0 && !all[j].beats(f):
			best[f.Name] = -1
		}
	}
	fields := all[:0:0]
	for i, f := range all {
		if best[f.Name] == i {
			fields = append(fields, f)
		}
	}
	return fields
}

func (f Field) beats(g Field) bool {
	if len(f.Index) != len(g.Index) {
		return len(f.Index) < len(g.Index)
	}
	return f.tagged && !g.tagged
}

func collect(t reflect.Type, index []int, within map[reflect.Type]bool, all *[]Field) {
	if within[t] {
		return
	}
	within[t] = true
	defer delete(within, t)
	for i := range t.NumField() {
		f := t.Field(i)
		at := slices.Concat(index, []int{i})
		tag, tagged := f.Tag.Lookup("json")
		name, opts, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() && !f.Anonymous {
			continue
		}
		if embedded := deref(f.Type); f.Anonymous && embedded.Kind() == reflect.Struct && !validName(name) {
			collect(embedded, at, within, all)
			continue
		}
		if !f.IsExported() {
			continue
		}
		if !validName(name) {
			name, tagged = f.Name, false
		}
		*all = append(*all, Field{
			Name: name, Index: at, Struct: f, tagged: tagged,
			OmitEmpty: hasOption(opts, "omitempty"), OmitZero: hasOption(opts, "omitzero"), String: hasOption(opts, "string"),
		})
	}
}

func hasOption(opts, name string) bool {
	for o := range strings.SplitSeq(opts, ",") {
		if o == name {
			return true
		}
	}
	return false
}

// validName is encoding/json's rule of what may stand in a tag.
func validName(s string) bool {
	for _, c := range s {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", c) && !unicode.IsLetter(c) && !unicode.IsDigit(c) {
			return false
		}
	}
	return s != ""
}
