package httpedge

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

const invalidInput = "the input is not valid"

// readBody reads the body of a route that takes JSON, and makes sure that there
// is none where none is taken. Streams are left alone.
func (x *exchange) readBody() error {
	b := x.route.in.body
	if b != nil && b.kind != jsonBody {
		return nil
	}
	if coding := x.r.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		return unsupported("no Content-Encoding")
	}
	if x.r.Body == nil || x.r.Body == http.NoBody || x.r.ContentLength == 0 {
		return nil
	}
	if b == nil {
		return x.noBody()
	}
	if x.r.ContentLength > x.route.maxBody {
		return x.tooLarge()
	}
	if _, err := x.body.ReadFrom(http.MaxBytesReader(x.w, x.r.Body, x.route.maxBody)); err != nil {
		return x.unreadable(err)
	}
	if x.body.Len() > 0 && !isJSON(x.r) {
		return unsupported("application/json")
	}
	return nil
}

func (x *exchange) noBody() error {
	var one [1]byte
	n, err := io.ReadFull(x.r.Body, one[:])
	switch {
	case n > 0:
		return errNoBody
	case err != nil && !errors.Is(err, io.EOF):
		return x.unreadable(err)
	default:
		return nil
	}
}

// unreadable says why a body could not be read to its end.
func (x *exchange) unreadable(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return x.tooLarge()
	}
	if x.r.Context().Err() != nil {
		return errGone
	}
	f := invalid("body", "cannot be read to its end")
	return f.Because(err)
}

func (x *exchange) tooLarge() error {
	x.w.Header().Set("Connection", "close") // the rest will not be read
	f := registry.Faultf(registry.Invalid, "the body has more than %d bytes", x.route.maxBody)
	f.Status = http.StatusRequestEntityTooLarge
	return f
}

func unsupported(expected string) error {
	f := registry.Faultf(registry.Invalid, "the body's type is not supported: send %s", expected)
	f.Status = http.StatusUnsupportedMediaType
	return f
}

func invalid(location, message string) *registry.Fault {
	return &registry.Fault{Code: registry.Invalid, Message: invalidInput, Fields: []registry.Field{{Location: location, Message: message}}}
}

func isJSON(r *http.Request) bool {
	values := r.Header["Content-Type"]
	if len(values) == 1 && values[0] == "application/json" {
		return true
	}
	if len(values) != 1 {
		return false
	}
	t, params, err := mime.ParseMediaType(values[0])
	isOwn := strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
	if err != nil || t != "application/json" && !isOwn {
		return false
	}
	charset := params["charset"]
	return charset == "" || strings.EqualFold(charset, "utf-8")
}

func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// bind makes the input of the request; what is wrong with it is an error that
// names each field.
func (x *exchange) bind() (any, error) {
	in := x.route.http.NewIn()
	v := reflect.ValueOf(in).Elem()
	plan := x.route.in
	for i := range plan.defaults {
		plan.defaults[i].fill(v)
	}
	if b := plan.body; b != nil {
		if err := x.bindBody(b, v); err != nil {
			return nil, err
		}
	}
	x.bindPath(v)
	x.bindQuery(v, x.r.URL.RawQuery)
	x.bindHeader(v)
	if plan.custom != nil && len(x.fields) == 0 {
		x.found(plan.custom.Value(v.Interface()))
	}
	if len(x.fields) > 0 {
		return nil, &registry.Fault{Code: registry.Invalid, Message: invalidInput, Fields: x.fields}
	}
	return in, nil
}

func (x *exchange) bindBody(b *body, in reflect.Value) error {
	if b.kind != jsonBody {
		s, err := b.stream(x)
		if err == nil {
			in.FieldByIndex(b.index).Set(reflect.ValueOf(s))
		}
		return err
	}
	data := x.body.Bytes()
	if len(data) == 0 {
		data = []byte("{}") // so that what is required is named
	}
	doc, err := parse(data)
	if err != nil {
		x.fault("body", err.Error())
		return nil
	}
	if wrong := b.check.Check(doc, "body"); wrong != nil {
		x.found(wrong)
		return nil
	}
	target := in
	if b.index != nil {
		target = in.FieldByIndex(b.index)
	}
	if err := json.Unmarshal(data, target.Addr().Interface()); err != nil {
		x.found(b.check.Locate(data, "body"))
	}
	return nil
}
