package schema

import (
	"encoding"
	"encoding/json"
	"net"
	"net/url"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

var (
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
	textMarshaler   = reflect.TypeFor[encoding.TextMarshaler]()
	jsonUnmarshaler = reflect.TypeFor[json.Unmarshaler]()
	jsonMarshaler   = reflect.TypeFor[json.Marshaler]()
	provider        = reflect.TypeFor[huma.SchemaProvider]()
	transformer     = reflect.TypeFor[huma.SchemaTransformer]()
	timeType        = reflect.TypeFor[time.Time]()
	urlType         = reflect.TypeFor[url.URL]()
	ipType          = reflect.TypeFor[net.IP]()
	rawType         = reflect.TypeFor[json.RawMessage]()
	anyType         = reflect.TypeFor[any]()
)

// opaque tells whether a type's JSON is not that of its structure.
func opaque(t reflect.Type) bool {
	switch t {
	case timeType, urlType, ipType, rawType:
		return true
	}
	return isAny(t, textUnmarshaler, textMarshaler, jsonUnmarshaler, jsonMarshaler, provider)
}

// ownSchema tells whether a type says itself what its schema is.
func ownSchema(t reflect.Type) bool { return isAny(t, provider, transformer) }

// untold tells whether nothing is known of a type's JSON: it writes or reads it
// by its own code and says no more.
func untold(t reflect.Type) bool {
	if t == timeType || t == rawType || ownSchema(t) || isAny(t, textUnmarshaler) {
		return false
	}
	return isAny(t, jsonUnmarshaler, jsonMarshaler)
}

func isAny(t reflect.Type, of ...reflect.Type) bool {
	if t.Kind() == reflect.Interface {
		return false
	}
	for _, i := range of {
		if t.Implements(i) || reflect.PointerTo(t).Implements(i) {
			return true
		}
	}
	return false
}

var ruleTags = [...]string{
	"minLength", "maxLength", "pattern", "format", "timeFormat", "enum", "encoding",
	"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf",
	"minItems", "maxItems", "uniqueItems", "minProperties", "maxProperties",
	"dependentRequired", "nullable",
}

// hasRule tells whether a field's tag demands anything of a Go value.
func hasRule(tag reflect.StructTag) bool {
	for _, name := range ruleTags {
		if _, ok := tag.Lookup(name); ok {
			return true
		}
	}
	return tag.Get("required") == "true" && strings.Contains(tag.Get("json"), ",omit")
}

// ruled tells whether the fields below a type demand anything of a Go value.
func ruled(t reflect.Type, seen map[reflect.Type]bool) bool {
	t = deref(t)
	if seen[t] {
		return false
	}
	seen[t] = true
	switch {
	case ownSchema(t):
		return true
	case opaque(t):
		return false
	case t.Kind() == reflect.Struct:
		for _, f := range Fields(t) {
			if !IsStream(f.Struct) && (hasRule(f.Struct.Tag) || ruled(f.Struct.Type, seen)) {
				return true
			}
		}
		return false
	case t.Kind() == reflect.Slice, t.Kind() == reflect.Array, t.Kind() == reflect.Map:
		return ruled(t.Elem(), seen)
	default:
		return false
	}
}
