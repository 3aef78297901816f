package httpedge

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/talix-dev/talix/internal/schema"
)

// output is the compiled way from a result to an answer.
type output struct {
	status  []int // index of the field; nil: none
	headers []outHeader
	raw     []int
	shadow  reflect.Type // the result's type without what is no part of its JSON; nil: itself
	typ     reflect.Type // of the JSON; nil where the answer is a stream
	schema  json.Marshaler
}

type outHeader struct {
	name  string
	index int
}

// Headers that are the edge's own, or the connection's.
var ownHeaders = [...]string{
	"Talix-Position", "Talix-Correlation", "Talix-Replayed", "Content-Length", "Transfer-Encoding",
	"Connection", "Trailer", "Upgrade", "X-Content-Type-Options", "Date",
}

func compileOutput(t reflect.Type, name string, set *schema.Set) (*output, error) {
	o := &output{typ: t}
	if t.Kind() == reflect.Pointer && tagged(t.Elem()) {
		return nil, fmt.Errorf("the output is %s: answer %s, or its status and headers are not seen", t, t.Elem())
	}
	if t.Kind() == reflect.Struct {
		if err := o.fields(t); err != nil {
			return nil, err
		}
	}
	if o.raw != nil {
		o.typ = nil
		return o, nil
	}
	if o.shadow != nil {
		o.typ = o.shadow
	}
	var err error
	o.schema, err = set.Schema(o.typ, name)
	return o, err
}

// tagged tells whether a type has fields that are a status, header or body.
func tagged(t reflect.Type) bool {
	t = deref(t)
	if t.Kind() != reflect.Struct {
		return false
	}
	for i := range t.NumField() {
		f := t.Field(i)
		for _, tag := range [...]string{"status", "header", "body"} {
			if _, ok := f.Tag.Lookup(tag); ok {
				return true
			}
		}
		if f.Anonymous && tagged(f.Type) {
			return true
		}
	}
	return false
}

func (o *output) fields(t reflect.Type) error {
	var fields []reflect.StructField
	visible, taken := 0, 0
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && tagged(f.Type) {
			return fmt.Errorf("%s: field %s: its status, headers or body stand too deep: move them to %s itself", t, f.Name, t)
		}
		isOurs, err := o.field(f, i)
		if err != nil {
			return fmt.Errorf("%s: field %s: %w", t, f.Name, err)
		}
		switch {
		case isOurs && f.Tag.Get("json") != "-":
			f.Tag = `json:"-"`
			taken++
		case !isOurs && f.IsExported() && f.Tag.Get("json") != "-":
			visible++
		}
		fields = append(fields, f)
	}
	if o.raw != nil && visible > 0 {
		return fmt.Errorf("%s: the body is a stream: tag its other fields header, status or json:\"-\"", t)
	}
	if taken == 0 || o.raw != nil || t.Implements(reflect.TypeFor[json.Marshaler]()) {
		return nil
	}
	return o.without(t, fields)
}

// without makes the type that encoding/json sees. Conversion to it is free of
// surprises: the types differ in tags alone.
func (o *output) without(t reflect.Type, fields []reflect.StructField) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s: tag the fields that are a status or header json:\"-\" too", t)
		}
	}()
	o.shadow = reflect.StructOf(fields)
	if !t.ConvertibleTo(o.shadow) {
		panic("not the same fields")
	}
	return nil
}

// field compiles one that is no part of the JSON, and tells whether it is one.
func (o *output) field(f reflect.StructField, i int) (bool, error) {
	_, isStatus := f.Tag.Lookup("status")
	name, isHeader := f.Tag.Lookup("header")
	stream, isStream := f.Tag.Lookup("body")
	switch {
	case !isStatus && !isHeader && !isStream:
		return false, nil
	case !f.IsExported():
		return false, fmt.Errorf("begin its name with a capital")
	case isStatus && f.Type.Kind() != reflect.Int:
		return false, fmt.Errorf("a status is an int, not %s", f.Type)
	case isStatus:
		o.status = []int{i}
	case isStream && (stream != "raw" || f.Type != readerType):
		return false, fmt.Errorf("a body is answered by an io.Reader tagged body:\"raw\"")
	case isStream:
		o.raw = []int{i}
	default:
		return true, o.header(name, f, i)
	}
	return true, nil
}

func (o *output) header(name string, f reflect.StructField, i int) error {
	name = http.CanonicalHeaderKey(name)
	switch elem := deref(f.Type); {
	case name == "":
		return fmt.Errorf("name the header, as in header:\"Location\"")
	case slices.Contains(ownHeaders[:], name):
		return fmt.Errorf("the header %s is not to be set", name)
	case setterOf(elem) == nil && (elem.Kind() != reflect.Slice || setterOf(elem.Elem()) == nil):
		return fmt.Errorf("a header is a string, number, boolean, time.Time, text, or a slice of them, not %s", f.Type)
	}
	o.headers = append(o.headers, outHeader{name, i})
	return nil
}

// render makes the answer of a result.
func (o *output) render(x *exchange, out any) error {
	a := &x.answer
	a.status = http.StatusOK
	if x.req.Position != "" {
		a.set("Talix-Position", x.req.Position)
	}
	if !x.req.Correlation.IsZero() {
		a.set("Talix-Correlation", x.req.Correlation.String())
	}
	if o.raw == nil && o.status == nil && o.headers == nil {
		a.isJSON = true
		return a.encode(out)
	}
	err := o.renderFields(a, out)
	if c, ok := a.stream.(io.Closer); ok && err != nil {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (o *output) renderFields(a *answer, out any) error {
	v := reflect.ValueOf(out)
	if o.raw != nil {
		a.stream, _ = v.FieldByIndex(o.raw).Interface().(io.Reader)
	}
	if o.status != nil {
		if status := int(v.FieldByIndex(o.status).Int()); status != 0 {
			a.status = status
		}
		if a.status < 200 || a.status > 599 {
			return fmt.Errorf("answer with status %d: use 200 to 599", a.status)
		}
	}
	for _, h := range o.headers {
		if err := a.setAll(h.name, v.Field(h.index)); err != nil {
			return fmt.Errorf("answer with header %s: %w", h.name, err)
		}
	}
	if o.raw != nil {
		if !a.has("Content-Type") {
			a.set("Content-Type", "application/octet-stream")
		}
		return nil
	}
	if a.status == http.StatusNoContent || a.status == http.StatusNotModified {
		return nil
	}
	if o.shadow != nil {
		out = v.Convert(o.shadow).Interface()
	}
	a.isJSON = !a.has("Content-Type")
	return a.encode(out)
}

func (a *answer) has(name string) bool {
	return slices.ContainsFunc(a.header, func(p pair) bool { return p.name == name })
}

// setAll sets a header to what a field holds; zero values set nothing.
func (a *answer) setAll(name string, v reflect.Value) error {
	for v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	if v.Kind() == reflect.Slice && setterOf(v.Type()) == nil {
		for i := range v.Len() {
			if err := a.setAll(name, v.Index(i)); err != nil {
				return err
			}
		}
		return nil
	}
	if v.IsZero() {
		return nil
	}
	text, err := textOf(v)
	if err == nil && text != "" {
		a.set(name, text)
	}
	return err
}

func textOf(v reflect.Value) (string, error) {
	switch of := v.Interface().(type) {
	case time.Time:
		return of.UTC().Format(http.TimeFormat), nil
	case encoding.TextMarshaler:
		text, err := of.MarshalText()
		return string(text), err
	}
	switch v.Kind() {
	case reflect.String:
		return v.String(), nil
	case reflect.Bool:
		return strconv.FormatBool(v.Bool()), nil
	case reflect.Float32, reflect.Float64:
		return strconv.FormatFloat(v.Float(), 'g', -1, v.Type().Bits()), nil
	default:
		return fmt.Sprint(v.Interface()), nil
	}
}
