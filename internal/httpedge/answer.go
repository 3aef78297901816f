package httpedge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// answer is what a route says to a request.
type answer struct {
	status int
	header []pair
	isJSON bool
	body   bytes.Buffer
	stream io.Reader // instead of body
}

// fixed are headers that all answers share; net/http does not change them.
type fixed struct{ json, nosniff, noStore, vary []string }

func newFixed() fixed {
	return fixed{json: []string{"application/json"}, nosniff: []string{"nosniff"}, noStore: []string{"no-store"}, vary: []string{"Accept"}}
}

type pair struct{ name, value string }

func (a *answer) set(name, value string) { a.header = append(a.header, pair{name, value}) }

// reset keeps the memory for later answers.
func (a *answer) reset() answer {
	clear(a.header)
	if a.body.Cap() > maxPooled {
		return answer{header: a.header[:0]}
	}
	a.body.Reset()
	return answer{header: a.header[:0], body: a.body}
}

func (a *answer) encode(v any) error {
	enc := json.NewEncoder(&a.body)
	enc.SetEscapeHTML(false) // no browser takes the answer for HTML: it has a type and nosniff
	return enc.Encode(v)
}

// send writes an answer.
func (x *exchange) send(a *answer) error {
	h := x.w.Header()
	for _, p := range a.header {
		h[p.name] = append(h[p.name], p.value)
	}
	if a.isJSON {
		h["Content-Type"] = x.edge.fixed.json
	}
	h["X-Content-Type-Options"] = x.edge.fixed.nosniff
	if x.route.query == nil {
		h["Cache-Control"] = x.edge.fixed.noStore
	}
	if len(x.route.forms) > 1 {
		h["Vary"] = x.edge.fixed.vary
	}
	x.written = true
	if a.stream != nil {
		return x.sendStream(a)
	}
	if a.body.Len() > 1024 || x.r.Method == http.MethodHead { // else net/http counts by itself
		h["Content-Length"] = []string{strconv.Itoa(a.body.Len())}
	}
	x.w.WriteHeader(a.status)
	_, _ = x.w.Write(a.body.Bytes()) // the caller may be gone
	return nil
}

// sendStream copies the stream and closes it. What ends it early cuts the
// connection, so that no one takes a part for the whole.
func (x *exchange) sendStream(a *answer) (err error) {
	if c, ok := a.stream.(io.Closer); ok {
		defer func() { err = errors.Join(err, c.Close()) }()
	}
	x.w.WriteHeader(a.status)
	if x.r.Method == http.MethodHead {
		return nil
	}
	if _, err := io.Copy(x.w, a.stream); err != nil {
		if x.r.Context().Err() == nil {
			x.logged(fmt.Errorf("stream answer: %w", err))
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}
