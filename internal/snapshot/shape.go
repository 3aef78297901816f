package snapshot

import (
	"encoding"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Whole tells whether JSON holds values of a type wholly: nil, or what it would
// lose. A type that writes and reads its own JSON or text is taken at its word.
// It is about states, which are written through a pointer.
func Whole(t reflect.Type) error {
	return (&shape{seen: map[reflect.Type]bool{}}).check(reflect.PointerTo(t))
}

// Exact is Whole for events, of which it is not looked at each time whether
// they come back as they were: nothing may be left out because it is empty.
func Exact(t reflect.Type) error {
	return (&shape{seen: map[reflect.Type]bool{}, exact: true}).check(t)
}

type shape struct {
	seen  map[reflect.Type]bool
	exact bool
	path  []string
}

func (s *shape) check(t reflect.Type) error {
	if s.seen[t] {
		return nil
	}
	s.seen[t] = true
	switch own(t) {
	case both:
		if s.exact && t == reflect.TypeFor[json.RawMessage]() {
			return s.fault("is raw JSON, which is written in another form")
		}
		return nil
	case half:
		return s.fault("writes or reads its own JSON, but not both: give it MarshalJSON and UnmarshalJSON")
	}
	switch t.Kind() {
	case reflect.Struct:
		return s.fields(t)
	case reflect.Map:
		return s.pair(t)
	case reflect.Slice, reflect.Array, reflect.Pointer:
		return s.check(t.Elem())
	case reflect.Interface, reflect.Chan, reflect.Func, reflect.UnsafePointer, reflect.Complex64, reflect.Complex128, reflect.Uintptr:
		return s.fault("is %s, which JSON does not give back", t)
	}
	return nil
}

func (s *shape) fields(t reflect.Type) error {
	for f := range t.Fields() {
		s.path = append(s.path, f.Name)
		if err := s.field(f); err != nil {
			return err
		}
		s.path = s.path[:len(s.path)-1]
	}
	return nil
}

func (s *shape) field(f reflect.StructField) error {
	tag := f.Tag.Get("json")
	_, options, _ := strings.Cut(tag, ",")
	switch {
	case !f.IsExported():
		return s.fault("is not exported: give its struct MarshalJSON and UnmarshalJSON")
	case tag == "-":
		return s.fault("is left out of JSON")
	case s.exact && leftOut(f.Type, strings.Split(options, ",")):
		return s.fault("is left out of JSON when it is empty")
	}
	return s.check(f.Type)
}

// leftOut tells whether an empty value, which is left out, is not the zero one
// that comes back.
func leftOut(t reflect.Type, options []string) bool {
	if slices.Contains(options, "omitzero") {
		return own(t) != none && t != reflect.TypeFor[time.Time]() // IsZero may say what it likes
	}
	return slices.Contains(options, "omitempty") && (t.Kind() == reflect.Map || t.Kind() == reflect.Slice)
}

func (s *shape) pair(t reflect.Type) error {
	switch k := t.Key(); {
	case own(k) == both:
	case own(k) == half:
		return s.fault("has keys that are written or read as text, but not both")
	case k.Kind() == reflect.String, k.Kind() >= reflect.Int && k.Kind() <= reflect.Uint64:
	default:
		return s.fault("has keys of type %s, which JSON does not give back", k)
	}
	return s.check(t.Elem())
}

func (s *shape) fault(format string, args ...any) error {
	what := fmt.Sprintf(format, args...)
	if len(s.path) == 0 {
		return fmt.Errorf("it %s", what)
	}
	return fmt.Errorf("its field %s %s", strings.Join(s.path, "."), what)
}

// encoder says what of its own encoding a type has.
type encoder uint8

const (
	none encoder = iota
	half
	both
)

// own looks for methods as encoding/json does: for JSON, else for text.
func own(t reflect.Type) encoder {
	p := reflect.PointerTo(t)
	if t.Kind() == reflect.Pointer {
		p = t // encoding/json looks through it
	}
	writes, reads := implements[json.Marshaler](t), implements[json.Unmarshaler](p)
	if !writes && !reads {
		writes, reads = implements[encoding.TextMarshaler](t), implements[encoding.TextUnmarshaler](p)
	}
	late := implements[json.Marshaler](p) || implements[encoding.TextMarshaler](p) // only through a pointer
	switch {
	case writes && reads:
		return both
	case writes || reads || late:
		return half
	}
	return none
}

func implements[T any](t reflect.Type) bool { return t.Implements(reflect.TypeFor[T]()) }
