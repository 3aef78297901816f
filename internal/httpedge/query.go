package httpedge

import (
	"net/url"
	"reflect"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// bindQuery takes the parameters out of a raw query, without a map.
func (x *exchange) bindQuery(in reflect.Value, raw string) {
	var given uint64 // by index in the route's list
	var lists [][]string
	params := x.route.in.query
	for raw != "" {
		var pair string
		pair, raw, _ = strings.Cut(raw, "&")
		if pair == "" {
			continue
		}
		name, text, ok := unescaped(pair)
		if !ok {
			x.fault("query", "expected name=value pairs with valid escapes")
			continue
		}
		i := find(params, name)
		switch {
		case i < 0 && name == "after" && x.route.query != nil:
			x.req.After = text
		case i < 0:
			x.fault("query."+short(name), "unknown parameter")
		case params[i].many:
			if lists == nil {
				lists = make([][]string, len(params))
			}
			lists[i] = append(lists[i], strings.Split(text, ",")...)
		case given&(1<<i) != 0:
			x.fault(params[i].location, "is given more than once")
		default:
			x.found(params[i].bind(in, text))
		}
		if i >= 0 {
			given |= 1 << i
		}
	}
	for i, texts := range lists {
		if texts != nil {
			x.found(params[i].bindMany(in, texts))
		}
	}
	x.absent(in, params, given)
}

// absent deals with what a request does not give.
func (x *exchange) absent(in reflect.Value, params []*param, given uint64) {
	for i, p := range params {
		switch {
		case given&(1<<i) != 0:
		case p.required:
			x.fault(p.location, "is required")
		case p.fallback != nil:
			p.fallback.fill(in)
		}
	}
}

func (x *exchange) bindHeader(in reflect.Value) {
	var given uint64
	params := x.route.in.header
	for i, p := range params {
		values := x.r.Header[p.name]
		switch {
		case len(values) == 0:
			continue
		case p.many:
			var texts []string
			for _, v := range values {
				for text := range strings.SplitSeq(v, ",") {
					texts = append(texts, strings.TrimSpace(text))
				}
			}
			x.found(p.bindMany(in, texts))
		case len(values) > 1:
			x.fault(p.location, "is given more than once")
		default:
			x.found(p.bind(in, values[0]))
		}
		given |= 1 << i
	}
	x.absent(in, params, given)
}

func (x *exchange) bindPath(in reflect.Value) {
	for _, p := range x.route.in.path {
		x.found(p.bind(in, x.r.PathValue(p.name)))
	}
}

func find(params []*param, name string) int {
	for i, p := range params {
		if p.name == name {
			return i
		}
	}
	return -1
}

func unescaped(pair string) (name, text string, ok bool) {
	name, text, _ = strings.Cut(pair, "=")
	name, err := url.QueryUnescape(name)
	if err != nil {
		return "", "", false
	}
	text, err = url.QueryUnescape(text)
	return name, text, err == nil && !strings.Contains(pair, ";")
}

// short bounds what an answer repeats of a request, and keeps it text.
func short(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) > 64 {
		s = strings.ToValidUTF8(s[:64], "") + "…"
	}
	return s
}

// found notes what is wrong with the input.
func (x *exchange) found(fields []registry.Field) {
	if len(x.fields) < 50 {
		x.fields = append(x.fields, fields...)
	}
}

func (x *exchange) fault(location, message string) {
	if len(x.fields) < 50 {
		x.fields = append(x.fields, registry.Field{Location: location, Message: message})
	}
}
