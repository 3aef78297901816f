package talixtest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
)

// Answer is what a request was answered with.
type Answer struct {
	Code   int
	Header http.Header
	Body   []byte

	t    T
	name string
}

// Do hands a request to the runtime's handler. An answer that does not end,
// such as that of a live query, is none for it: see talix.Watch.
func (r *Runtime) Do(req *http.Request) *Answer {
	r.t.Helper()
	w := httptest.NewRecorder()
	r.call(func() {
		ctx, cancel := context.WithCancel(context.WithoutCancel(req.Context()))
		defer cancel()
		r.rt.Handler().ServeHTTP(w, req.WithContext(ctx))
	})
	return &Answer{Code: w.Code, Header: w.Header(), Body: w.Body.Bytes(), t: r.t, name: req.Method + " " + req.URL.Path}
}

// Request is Do for a method and a path, as in "POST /orders", and an input
// that is sent as JSON; nil sends none.
func (r *Runtime) Request(target string, in any) *Answer {
	r.t.Helper()
	method, path, ok := strings.Cut(target, " ")
	if !ok {
		r.t.Fatalf("request %q: write a method and a path, as in \"POST /orders\"", target)
	}
	data, err := json.Marshal(in)
	if err != nil {
		r.t.Fatalf("request %q: write input: %v", target, err)
	}
	if in == nil {
		data = nil
	}
	req := httptest.NewRequestWithContext(context.Background(), method, path, bytes.NewReader(data))
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return r.Do(req)
}

// Is fails the test unless the answer has a status.
func (a *Answer) Is(code int) *Answer {
	a.t.Helper()
	if a.Code != code {
		a.t.Errorf("%s: answered %d, not %d: %s", a.name, a.Code, code, a.Body)
	}
	return a
}

// JSON fails the test unless the body is what want is as JSON.
func (a *Answer) JSON(want any) *Answer {
	a.t.Helper()
	var got any
	if err := json.Unmarshal(a.Body, &got); err != nil {
		a.t.Errorf("%s: answered %d with no JSON: %s", a.name, a.Code, a.Body)
		return a
	}
	if text, same := diff(lines(loose(want)), lines(got)); !same {
		a.t.Errorf("%s: answered %d with something else than expected\n%s", a.name, a.Code, text)
	}
	return a
}

// Into reads the body as JSON; the test ends if it is none.
func (a *Answer) Into(v any) *Answer {
	a.t.Helper()
	if err := json.Unmarshal(a.Body, v); err != nil {
		a.t.Fatalf("%s: answered %d with what cannot be read as %T: %v\n%s", a.name, a.Code, v, err, a.Body)
	}
	return a
}

// loose is a value as JSON makes it: maps, lists and scalars.
func loose(v any) (out any) {
	data, err := json.Marshal(v)
	if err != nil || json.Unmarshal(data, &out) != nil {
		return v
	}
	return out
}
