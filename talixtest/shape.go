package talixtest

import (
	"encoding"
	"encoding/json"
	"reflect"
	"strings"
	"time"
)

// fields are what JSON documents hold: by path, as in lines[].price, the JSON
// type, with ", optional" behind it where a document may lack the field. The
// document itself is at the path ".", unless it is an object.
type fields map[string]string

const optional = ", optional"

// fieldsOf describes the documents of a Go type.
func fieldsOf(t reflect.Type) fields {
	f := fields{}
	if kind := f.describe("", t, nil); kind != "object" {
		f["."] = kind
	}
	return f
}

// describe names the JSON type of t, and notes the fields that lie below path.
// within are the types that it is a part of.
func (f fields) describe(path string, t reflect.Type, within []reflect.Type) string {
	if kind := ownKind(t); kind != "" {
		return kind
	}
	switch t.Kind() {
	case reflect.Pointer:
		return f.describe(path, t.Elem(), within)
	case reflect.Bool:
		return "boolean"
	case reflect.String:
		return "string"
	case reflect.Float32, reflect.Float64:
		return "number"
	case reflect.Slice, reflect.Array:
		return "array of " + f.describe(path+"[]", t.Elem(), within)
	case reflect.Map:
		return "map of " + f.describe(path+"{}", t.Elem(), within)
	case reflect.Struct:
		f.object(path, t, within)
		return "object"
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, reflect.Invalid:
		return "any"
	default:
		return "integer"
	}
}

// ownKind is the JSON type of those Go types that are not written by their kind.
func ownKind(t reflect.Type) string {
	if t.Kind() == reflect.Pointer {
		return ""
	}
	is := func(i reflect.Type) bool { return t.Implements(i) || reflect.PointerTo(t).Implements(i) }
	switch {
	case t == reflect.TypeFor[time.Time]():
		return "time"
	case is(reflect.TypeFor[json.Marshaler]()):
		return "any"
	case is(reflect.TypeFor[encoding.TextMarshaler]()):
		return "string"
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return "bytes"
	}
	return ""
}

// object notes the fields of a struct.
func (f fields) object(path string, t reflect.Type, within []reflect.Type) {
	for _, w := range within {
		if w == t {
			return
		}
	}
	within = append(within[:len(within):len(within)], t)
	if path != "" {
		path += "."
	}
	for field := range t.Fields() {
		name, options, tagged := tagOf(field)
		switch inner := bare(field.Type); {
		case name == "-" && options == "" && tagged:
		case field.Anonymous && name == "" && inner.Kind() == reflect.Struct && ownKind(inner) == "":
			f.object(strings.TrimSuffix(path, "."), inner, within)
		case field.IsExported():
			f.note(path, field, name, options, within)
		}
	}
}

func (f fields) note(path string, field reflect.StructField, name, options string, within []reflect.Type) {
	if name == "" {
		name = field.Name
	}
	kind := f.describe(path+name, field.Type, within)
	if has(options, "string") && (kind == "integer" || kind == "number" || kind == "boolean") {
		kind += " in a string"
	}
	if field.Type.Kind() == reflect.Pointer || has(options, "omitempty") || has(options, "omitzero") {
		kind += optional
	}
	f[path+name] = kind
}

func tagOf(field reflect.StructField) (name, options string, tagged bool) {
	tag, tagged := field.Tag.Lookup("json")
	name, options, _ = strings.Cut(tag, ",")
	return name, options, tagged
}

func has(options, option string) bool { return strings.Contains(","+options+",", ","+option+",") }

func bare(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
