package httpedge

import (
	"encoding"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
)

// param is one value of a request's path, query or header.
type param struct {
	place, name string
	location    string // as in query.limit
	field       string // of the Go type
	index       []int
	typ         reflect.Type
	set         setter // of the value, or of each of many
	many        bool   // a slice
	required    bool
	text        bool // the type reads text by its own code, so rules are for the text
	schema      *schema.Param
	check       bool // there are rules
	fallback    *defaultValue
}

// setter writes what a text says, or tells what was expected instead.
type setter func(dst reflect.Value, text string) (expected string)

func compileParam(place, name string, f reflect.StructField, index []int, set *schema.Set) (*param, error) {
	if place == "header" {
		name = http.CanonicalHeaderKey(name)
	}
	p := &param{place: place, name: name, location: place + "." + name, field: f.Name, index: index, typ: f.Type}
	elem := deref(f.Type)
	if p.many = elem.Kind() == reflect.Slice && elem.Elem().Kind() != reflect.Uint8 && !custom(elem) && place != "path"; p.many {
		elem = elem.Elem()
	}
	if p.set = setterOf(elem); p.set == nil {
		return nil, fmt.Errorf("field %s: %s cannot be taken from the %s: use a string, number, boolean, time.Time, or a type with UnmarshalText", f.Name, f.Type, place)
	}
	p.text = custom(deref(elem))
	p.required = place == "path" || f.Tag.Get("required") == "true"
	var err error
	if p.schema, err = set.Param(f); err != nil {
		return nil, err
	}
	p.check = !p.schema.Trivial() && deref(elem) != timeType
	if err := p.withDefault(f); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *param) withDefault(f reflect.StructField) error {
	text, ok := f.Tag.Lookup("default")
	if !ok {
		return nil
	}
	v := reflect.New(f.Type).Elem()
	if fault := p.fill(v, p.split(text)); fault != nil {
		return fmt.Errorf("field %s: default %q: %s", f.Name, text, fault[0].Message)
	}
	p.fallback = &defaultValue{p.index, v, registry.IsFlat(f.Type)}
	return nil
}

func (p *param) split(text string) []string {
	if p.many {
		return strings.Split(text, ",")
	}
	return []string{text}
}

func (p *param) fault(format string, args ...any) []registry.Field {
	return []registry.Field{{Location: p.location, Message: fmt.Sprintf(format, args...)}}
}

// bind writes one text to the input's field and checks it.
func (p *param) bind(in reflect.Value, text string) []registry.Field {
	dst := in.FieldByIndex(p.index)
	if fault := p.fill1(dst, text); fault != nil {
		return fault
	}
	return p.checked(dst, text)
}

// bindMany is bind for a slice.
func (p *param) bindMany(in reflect.Value, texts []string) []registry.Field {
	dst := in.FieldByIndex(p.index)
	if fault := p.fill(dst, texts); fault != nil {
		return fault
	}
	return p.checked(dst, "")
}

func (p *param) checked(v reflect.Value, text string) []registry.Field {
	switch {
	case !p.check:
		return nil
	case p.text && !p.many:
		return p.schema.Check(text, p.location)
	default:
		return p.schema.At(v, p.location)
	}
}

func (p *param) fill(dst reflect.Value, texts []string) []registry.Field {
	if !p.many {
		return p.fill1(dst, texts[0])
	}
	dst = indirect(dst)
	dst.Set(reflect.MakeSlice(dst.Type(), len(texts), len(texts)))
	for i, text := range texts {
		if fault := p.fill1(dst.Index(i), text); fault != nil {
			fault[0].Location = fmt.Sprintf("%s[%d]", p.location, i)
			return fault
		}
	}
	return nil
}

func (p *param) fill1(dst reflect.Value, text string) []registry.Field {
	if !utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0 {
		return p.fault("expected UTF-8 text without NUL")
	}
	if expected := p.set(indirect(dst), text); expected != "" {
		return p.fault("expected %s", expected)
	}
	return nil
}

// indirect makes what a pointer is to point to.
func indirect(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	return v
}

func deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

var timeType = reflect.TypeFor[time.Time]()

func setterOf(t reflect.Type) setter {
	t = deref(t)
	switch {
	case t == timeType:
		return setTime
	case reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()):
		return setText
	}
	switch t.Kind() {
	case reflect.String:
		return setString
	case reflect.Bool:
		return setBool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return setInt
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return setUint
	case reflect.Float32, reflect.Float64:
		return setFloat
	default:
		return nil
	}
}

func setString(dst reflect.Value, text string) string {
	dst.SetString(text)
	return ""
}

func setBool(dst reflect.Value, text string) string {
	if text != "true" && text != "false" {
		return "true or false"
	}
	dst.SetBool(text == "true")
	return ""
}

func setInt(dst reflect.Value, text string) string {
	v, err := strconv.ParseInt(text, 10, dst.Type().Bits())
	if err != nil || text[0] == '+' {
		return "integer of at most " + strconv.Itoa(dst.Type().Bits()) + " bits"
	}
	dst.SetInt(v)
	return ""
}

func setUint(dst reflect.Value, text string) string {
	v, err := strconv.ParseUint(text, 10, dst.Type().Bits())
	if err != nil {
		return "integer from 0 of at most " + strconv.Itoa(dst.Type().Bits()) + " bits"
	}
	dst.SetUint(v)
	return ""
}

func setFloat(dst reflect.Value, text string) string {
	v, err := strconv.ParseFloat(text, dst.Type().Bits())
	if err != nil || strings.ContainsAny(text, "xX_") || text[0] == '+' || math.IsInf(v, 0) || math.IsNaN(v) {
		return "number"
	}
	dst.SetFloat(v)
	return ""
}

func setTime(dst reflect.Value, text string) string {
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		if v, err = http.ParseTime(text); err != nil {
			return "time as in 2025-03-14T15:09:26Z"
		}
	}
	dst.Set(reflect.ValueOf(v))
	return ""
}

func setText(dst reflect.Value, text string) string {
	if err := dst.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
		return "a valid value: " + err.Error()
	}
	return ""
}
