package httpedge

import (
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
)

// input is the compiled way from a request to a value of one type.
type input struct {
	path, query, header []*param
	body                *body // nil: the route takes none
	defaults            []defaultValue
	custom              *schema.Checker // a validator of the user's own, for the whole
	paging              bool
}

type bodyKind uint8

const (
	jsonBody bodyKind = iota
	rawBody
	multipartBody
)

type body struct {
	kind  bodyKind
	index []int // of the field that takes it; nil: the whole input
	// of JSON
	check *schema.Checker
	// of a stream
	contentType string
}

var (
	readerType    = reflect.TypeFor[io.Reader]()
	multipartType = reflect.TypeFor[*multipart.Reader]()
	places        = [...]string{"path", "query", "header"}
)

// compiler collects what an input is made of.
type compiler struct {
	rt     *route
	set    *schema.Set
	in     *input
	rest   []member // fields for the JSON body
	stream int
	errs   []error
}

// member is a field of the input that is no parameter.
type member struct {
	index []int
	field reflect.StructField
}

func compileInput(rt *route, set *schema.Set) (*input, []error) {
	c := &compiler{rt: rt, set: set, in: &input{}}
	t := rt.http.In
	if t.Kind() == reflect.Struct && !custom(t) {
		c.walk(t, nil, rt.query != nil)
		c.wildcards()
		c.jsonBody(t)
	} else {
		c.wildcards()
		c.wholeBody(t)
	}
	c.defaultsOf(t, nil)
	if set.Custom != nil && c.errs == nil {
		check, err := set.Named(t, rt.typeName("Input"))
		c.fail(err)
		c.in.custom = check
	}
	return c.in, c.errs
}

func (c *compiler) fail(err error) {
	if err != nil {
		c.errs = append(c.errs, err)
	}
}

func (c *compiler) failf(format string, args ...any) { c.fail(fmt.Errorf(format, args...)) }

// custom tells whether a type reads its JSON by its own code.
func custom(t reflect.Type) bool {
	p := reflect.PointerTo(t)
	return p.Implements(reflect.TypeFor[json.Unmarshaler]()) || p.Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
}

func (c *compiler) walk(t reflect.Type, index []int, isQuery bool) {
	c.in.paging = c.in.paging || t.Name() == "Paging"
	for i := range t.NumField() {
		f := t.Field(i)
		at := slices.Concat(index, []int{i})
		place, name, err := placeOf(f)
		_, isBody := f.Tag.Lookup("body")
		switch {
		case err != nil:
			c.fail(err)
		case place != "":
			c.param(place, name, f, at)
		case isBody:
			c.streamOf(f, at)
		case f.Anonymous && f.Type.Kind() == reflect.Pointer:
			c.failf("field %s: embed %s, not a pointer to it", f.Name, f.Type.Elem())
		case isEmbedded(f):
			c.walk(f.Type, at, isQuery)
		case !f.IsExported() || f.Tag.Get("json") == "-":
		case isQuery:
			c.param("query", queryName(f), f, at)
		case f.Type.Kind() == reflect.Interface && f.Type.NumMethod() > 0:
			c.failf("field %s: %s cannot be read from JSON: give it a type, or tag an io.Reader body:\"raw\"", f.Name, f.Type)
		default:
			c.rest = append(c.rest, member{at, f})
		}
	}
}

// isEmbedded tells whether a field's own fields stand for it, as in JSON.
func isEmbedded(f reflect.StructField) bool {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return f.Anonymous && f.Type.Kind() == reflect.Struct && name == "" && !custom(f.Type)
}

func placeOf(f reflect.StructField) (place, name string, err error) {
	for _, p := range places {
		n, ok := f.Tag.Lookup(p)
		switch {
		case !ok:
		case place != "":
			return "", "", fmt.Errorf("field %s has the tags %s and %s: remove one", f.Name, place, p)
		case !f.IsExported():
			return "", "", fmt.Errorf("field %s has the tag %s: begin its name with a capital", f.Name, p)
		case n == "":
			return "", "", fmt.Errorf("field %s: name its value, as in %s:%q", f.Name, p, "id")
		default:
			place, name = p, n
		}
	}
	return place, name, nil
}

// queryName is the name of a query's field without a tag of its own.
func queryName(f reflect.StructField) string {
	if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
		return name
	}
	var b strings.Builder
	runes := []rune(f.Name)
	for i, r := range runes {
		starts := unicode.IsUpper(r) && i > 0 &&
			(!unicode.IsUpper(runes[i-1]) || i+1 < len(runes) && unicode.IsLower(runes[i+1]))
		if starts {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func (c *compiler) param(place, name string, f reflect.StructField, at []int) {
	p, err := compileParam(place, name, f, at, c.set)
	if err != nil {
		c.fail(err)
		return
	}
	list := map[string]*[]*param{"path": &c.in.path, "query": &c.in.query, "header": &c.in.header}[place]
	for _, other := range *list {
		if other.name == p.name {
			c.failf("field %s: %s %q is taken by another field: rename one", f.Name, place, name)
		}
	}
	if place == "query" && name == "after" && c.rt.query != nil {
		c.failf("field %s: the query parameter \"after\" says what a query waits for: rename the field's", f.Name)
	}
	*list = append(*list, p)
	if len(*list) > 64 {
		c.failf("field %s: there are more than 64 %s values", f.Name, place)
	}
}

// wildcards holds the path's names against the fields.
func (c *compiler) wildcards() {
	for _, p := range c.in.path {
		if !slices.Contains(c.rt.wildcards, p.name) {
			c.failf("field %s takes %q from the path, which has no {%s}: add it to the pattern or remove the field", p.field, p.name, p.name)
		}
	}
	for _, name := range c.rt.wildcards {
		if !slices.ContainsFunc(c.in.path, func(p *param) bool { return p.name == name }) {
			c.failf("no field of %s takes {%s} from the path: add one, as in ID string `path:%q`", c.rt.http.In, name, name)
		}
	}
}

func (c *compiler) streamOf(f reflect.StructField, at []int) {
	kind := f.Tag.Get("body")
	b := &body{kind: rawBody, index: at, contentType: f.Tag.Get("contentType")}
	switch {
	case kind == "raw" && f.Type == readerType && f.IsExported():
	case kind == "multipart" && f.Type == multipartType && f.IsExported():
		b.kind = multipartBody
	default:
		c.failf("field %s: a body is taken by an io.Reader tagged body:\"raw\" or a *multipart.Reader tagged body:\"multipart\"", f.Name)
	}
	if c.stream++; c.stream > 1 {
		c.failf("field %s: there is one body only: remove the field", f.Name)
	}
	c.in.body = b
	c.bodyAllowed(f.Name)
}

func (c *compiler) bodyAllowed(field string) {
	if c.rt.safe() {
		c.failf("field %s takes the body, which %s requests have not: tag it path, query or header", field, c.rt.http.Method)
	}
}

// jsonBody finds the type whose JSON is the body: the whole input where it has
// no other fields, the one embedded struct that holds the rest, or else a
// struct of the rest.
func (c *compiler) jsonBody(t reflect.Type) {
	switch {
	case len(c.rest) == 0:
		return
	case c.in.body != nil:
		c.failf("field %s: the body is taken as a stream: tag it path, query or header, or json:\"-\"", c.rest[0].field.Name)
		return
	}
	c.bodyAllowed(c.rest[0].field.Name)
	b := &body{kind: jsonBody, index: c.holder(t)}
	typ := t
	if len(b.index) > 0 {
		typ = t.FieldByIndex(b.index).Type
	} else if len(c.in.path)+len(c.in.query)+len(c.in.header) > 0 {
		typ = c.restType(t)
	}
	c.compileBody(b, typ)
}

func (c *compiler) compileBody(b *body, t reflect.Type) {
	check, err := c.set.Part(t, c.rt.typeName("Body"))
	c.fail(err)
	b.check = check
	c.in.body = b
}

// wholeBody is for inputs that are no plain struct.
func (c *compiler) wholeBody(t reflect.Type) {
	if t.Kind() == reflect.Pointer {
		c.failf("the input is %s: take %s", t, t.Elem())
		return
	}
	c.bodyAllowed(t.String())
	c.compileBody(&body{kind: jsonBody}, t)
}

// holder is the index of the one embedded struct that has all the rest and
// nothing else.
func (c *compiler) holder(t reflect.Type) []int {
	first := c.rest[0].index
	for n := 1; n < len(first) && t.FieldByIndex(first[:n]).IsExported(); n++ {
		prefix := first[:n]
		inside := func(index []int) bool { return len(index) > n && slices.Equal(index[:n], prefix) }
		if slices.ContainsFunc(c.rest, func(m member) bool { return !inside(m.index) }) {
			return nil
		}
		params := slices.Concat(c.in.path, c.in.query, c.in.header)
		if !slices.ContainsFunc(params, func(p *param) bool { return inside(p.index) }) {
			return prefix
		}
	}
	return nil
}

// restType is a struct of the fields that are no parameters, for their schema.
func (c *compiler) restType(t reflect.Type) reflect.Type {
	known := map[string]schema.Field{}
	for _, f := range schema.Fields(t) {
		known[fmt.Sprint(f.Index)] = f
	}
	var fields []reflect.StructField
	taken := map[string]bool{}
	for i, m := range c.rest {
		f, ok := known[fmt.Sprint(m.index)]
		if !ok {
			c.failf("field %s has the JSON name of another field: rename one with a json tag", m.field.Name)
			continue
		}
		name := f.Struct.Name
		if taken[name] {
			name = fmt.Sprint(name, i)
		}
		taken[name] = true
		fields = append(fields, reflect.StructField{Name: name, Type: f.Struct.Type, Tag: withName(f)})
	}
	return reflect.StructOf(fields)
}

// withName is a field's tag with the JSON name spelled out.
func withName(f schema.Field) reflect.StructTag {
	_, opts, _ := strings.Cut(f.Struct.Tag.Get("json"), ",")
	return reflect.StructTag(fmt.Sprintf("json:%q %s", strings.TrimSuffix(f.Name+","+opts, ","), f.Struct.Tag))
}

var errNoBody = &registry.Fault{Code: registry.Invalid, Message: invalidInput, Fields: []registry.Field{{Location: "body", Message: "this route takes no body"}}}

// stream is what a stream's field takes.
func (b *body) stream(x *exchange) (any, error) {
	x.r.Body = http.MaxBytesReader(x.w, x.r.Body, x.route.maxBody)
	if b.kind == rawBody {
		if b.contentType != "" && mediaType(x.r) != b.contentType {
			return nil, unsupported(b.contentType)
		}
		return io.Reader(x.r.Body), nil
	}
	parts, err := x.r.MultipartReader()
	if err != nil {
		return nil, unsupported("multipart/form-data with a boundary")
	}
	return parts, nil
}
