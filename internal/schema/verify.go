package schema

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// What rules are for, by the JSON type of the field or, for the first two, of
// the items of an array.
var ruleKinds = [...]struct {
	kind  string
	rules []string
}{
	{"string", []string{"minLength", "maxLength", "pattern"}},
	{"number", []string{"minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum", "multipleOf"}},
	{"array", []string{"minItems", "maxItems", "uniqueItems"}},
	{"object", []string{"minProperties", "maxProperties"}},
	{"string or number", []string{"enum"}},
}

// verify finds everything that is wrong with the tags of t and of the types
// that it holds.
func (s *Set) verify(t reflect.Type) error {
	return s.verifyType(t, map[reflect.Type]bool{})
}

func (s *Set) verifyType(t reflect.Type, seen map[reflect.Type]bool) error {
	t = deref(t)
	if seen[t] || opaque(t) {
		s.note(t)
		return nil
	}
	seen[t] = true
	if t.Kind() == reflect.Array && t.Elem().Kind() == reflect.Uint8 {
		return fmt.Errorf("type %s would be a list of numbers: use []byte, or a type with MarshalText and UnmarshalText", t)
	}
	switch t.Kind() {
	case reflect.Slice, reflect.Array, reflect.Map:
		return s.verifyType(t.Elem(), seen)
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Errorf("type %s cannot be JSON", t)
	case reflect.Struct:
		return s.verifyStruct(t, seen)
	default:
		return nil
	}
}

// note lets types be anything of which no one can tell what their JSON is.
func (s *Set) note(t reflect.Type) {
	if untold(t) && !s.untold[t] {
		s.untold[t] = true
		s.reg.RegisterTypeAlias(t, anyType)
	}
}

func (s *Set) verifyStruct(t reflect.Type, seen map[reflect.Type]bool) error {
	var errs []error
	for _, f := range Fields(t) {
		if IsStream(f.Struct) {
			continue
		}
		if f.String {
			errs = append(errs, fmt.Errorf("type %s: field %s: the json option \",string\" is not supported: make the field a string", t, f.Struct.Name))
		}
		if err := errors.Join(s.verifyType(f.Struct.Type, seen), s.verifyField(f.Struct)); err != nil {
			errs = append(errs, fmt.Errorf("type %s: field %s: %w", t, f.Struct.Name, err))
		}
	}
	return errors.Join(errs...)
}

// verifyField finds what is wrong with one field's own tags.
func (s *Set) verifyField(f reflect.StructField) error {
	if p := f.Tag.Get("pattern"); p != "" {
		if _, err := regexp.Compile(p); err != nil {
			return fmt.Errorf("pattern: %w", err)
		}
	}
	var fs *huma.Schema
	if err := contain(f.Type, func() { fs = huma.SchemaFromField(s.scratch(), f, f.Name) }); err != nil {
		return err
	}
	if fs == nil {
		return fmt.Errorf("type %s cannot be JSON", f.Type)
	}
	return errors.Join(misplaced(f, fs), senseless(f, fs))
}

func misplaced(f reflect.StructField, fs *huma.Schema) error {
	item := fs
	if fs.Type == huma.TypeArray && fs.Items != nil {
		item = fs.Items
	}
	var errs []error
	for _, k := range ruleKinds {
		for _, rule := range k.rules {
			if _, ok := f.Tag.Lookup(rule); ok && !fits(k.kind, fs, item) {
				errs = append(errs, fmt.Errorf("%s is a rule for %s, which %s is not: remove it", rule, k.kind, f.Type))
			}
		}
	}
	return errors.Join(errs...)
}

func fits(kind string, fs, item *huma.Schema) bool {
	isNumber := item.Type == huma.TypeNumber || item.Type == huma.TypeInteger
	switch kind {
	case "string":
		return item.Type == huma.TypeString
	case "number":
		return isNumber
	case "string or number":
		return isNumber || item.Type == huma.TypeString
	case "array":
		return fs.Type == huma.TypeArray
	default:
		return fs.Type == huma.TypeObject
	}
}

func senseless(f reflect.StructField, fs *huma.Schema) error {
	item := fs
	if fs.Type == huma.TypeArray && fs.Items != nil {
		item = fs.Items
	}
	if item.MultipleOf != nil && *item.MultipleOf <= 0 {
		return errors.New("multipleOf must be above zero")
	}
	if item.MinLength != nil && item.MaxLength != nil && *item.MinLength > *item.MaxLength {
		return errors.New("minLength is above maxLength")
	}
	if item.Minimum != nil && item.Maximum != nil && *item.Minimum > *item.Maximum {
		return errors.New("minimum is above maximum")
	}
	if fs.MinItems != nil && fs.MaxItems != nil && *fs.MinItems > *fs.MaxItems {
		return errors.New("minItems is above maxItems")
	}
	if f.Tag.Get("uniqueItems") == "true" && !isScalar(item) {
		return errors.New("uniqueItems is for arrays of strings, numbers and booleans")
	}
	if strings.Contains(f.Tag.Get("json"), "omit") || f.Tag.Get("required") != "true" || fs.Default == nil {
		return nil
	}
	return errors.New("a field with a default cannot be required: remove one of the tags")
}

func isScalar(s *huma.Schema) bool {
	switch s.Type {
	case huma.TypeString, huma.TypeInteger, huma.TypeNumber, huma.TypeBoolean:
		return true
	default:
		return false
	}
}

// IsStream tells whether a field takes or gives the body of a message as a
// stream, so that it is no part of any document.
func IsStream(f reflect.StructField) bool {
	_, ok := f.Tag.Lookup("body")
	return ok
}
