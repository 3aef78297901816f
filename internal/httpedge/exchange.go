package httpedge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime/debug"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// exchange is one request and its answer. To the mux it is the writer, so that
// what the mux itself would answer, in plain text, becomes a problem.
type exchange struct {
	edge   *Edge
	w      http.ResponseWriter
	r      *http.Request
	route  *route
	req    *Request
	body   bytes.Buffer // of the request
	fields []registry.Field
	answer answer

	routed  bool // a route took it
	written bool // the answer has begun

	// what the mux answered
	header http.Header
	status int
}

// maxPooled bounds the buffers that are kept for later requests.
const maxPooled = 64 << 10

func (e *Edge) exchange(w http.ResponseWriter, r *http.Request) *exchange {
	x, ok := e.exchanges.Get().(*exchange)
	if !ok {
		x = &exchange{}
	}
	x.edge, x.w, x.r = e, w, r
	return x
}

// end answers a panic and gives the exchange back.
func (x *exchange) end() {
	if p := recover(); p != nil {
		x.panicked(p)
		return // what the panic left behind is not used again
	}
	body, answer := x.body, x.answer.reset()
	body.Reset()
	if body.Cap() > maxPooled {
		body = bytes.Buffer{}
	}
	pool := &x.edge.exchanges
	*x = exchange{body: body, answer: answer}
	pool.Put(x)
}

func (x *exchange) panicked(p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler)
	}
	x.logged(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
	if x.written {
		panic(http.ErrAbortHandler)
	}
	x.problem(x.internal())
}

// Header is for the mux.
func (x *exchange) Header() http.Header {
	if x.header == nil {
		x.header = http.Header{}
	}
	return x.header
}

// WriteHeader is for the mux.
func (x *exchange) WriteHeader(status int) { x.status = status }

// Write is for the mux.
func (x *exchange) Write(p []byte) (int, error) { return len(p), nil }

// unrouted answers what no route takes.
func (x *exchange) unrouted() {
	f := registry.Faultf(registry.NotFound, "no route has this path")
	if x.status == http.StatusMethodNotAllowed {
		f = registry.Faultf(registry.Invalid, "the path has no such method")
		f.Status = x.status
		x.w.Header()["Allow"] = x.header["Allow"]
	}
	x.problem(f)
}

var errGone = errors.New("the caller went away")

// serve answers a request of a route.
func (x *exchange) serve(rt *route) {
	x.routed, x.route = true, rt
	x.req = &Request{Header: x.r.Header.Get, Correlation: correlation(x.r.Header)}
	if rt.query != nil {
		x.req.After = x.r.Header.Get("Talix-After")
	}
	if x.edge.config.Observe != nil {
		x.serveObserved(rt)
		return
	}
	if err := x.run(); err != nil {
		x.fail(err)
	}
}

// serveObserved is serve for those who watch.
func (x *exchange) serveObserved(rt *route) {
	ctx, end := x.edge.config.Observe(x.r.Context(), x.req, Asked{rt.pattern(), rt.service})
	w := &noted{ResponseWriter: x.w}
	x.r, x.w = x.r.WithContext(ctx), w
	err, panicked := error(nil), true
	defer func() {
		if panicked { // the edge is about to answer
			w.status, err = http.StatusInternalServerError, errPanicked
		}
		end(w.status, err)
	}()
	err = x.run()
	if panicked = false; err != nil {
		x.fail(err)
	}
}

// errPanicked is what is told of a request that panicked.
var errPanicked = errors.New("the request panicked")

// noted notes the status of an answer.
type noted struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (w *noted) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (w *noted) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (x *exchange) run() error {
	if err := x.readBody(); err != nil {
		return err
	}
	if !x.route.safe() {
		key, err := x.key()
		if err != nil {
			return err
		}
		if !key.IsZero() {
			x.req.Key = key
			return x.once()
		}
	}
	form, err := x.form()
	if err != nil {
		return err
	}
	if form != formJSON {
		return x.flow(form)
	}
	if err := x.do(); err != nil {
		return err
	}
	return x.send(&x.answer)
}

// flow answers in a form that is sent as it comes to be.
func (x *exchange) flow(form string) error {
	in, err := x.bind()
	if err != nil {
		return err
	}
	value := reflect.ValueOf(in).Elem().Interface()
	if form == formEvents {
		return x.events(value)
	}
	return x.stream(form, value)
}

// do gets the answer.
func (x *exchange) do() error {
	in, err := x.bind()
	if err != nil {
		return err
	}
	out, err := x.ask(in)
	if err != nil {
		return err
	}
	return x.route.out.render(x, out)
}

func (x *exchange) ask(in any) (any, error) {
	if x.route.action != nil {
		return x.edge.config.Backend.Act(x.r.Context(), x.route.action, in, x.req)
	}
	return x.edge.config.Backend.Ask(x.r.Context(), x.route.query, reflect.ValueOf(in).Elem().Interface(), x.req)
}

// fail answers an error.
func (x *exchange) fail(err error) {
	if x.r.Context().Err() != nil && isCanceled(err) {
		x.edge.config.Log.DebugContext(x.r.Context(), "the caller went away", "route", x.route.pattern())
		panic(http.ErrAbortHandler) // or net/http would answer with status 200
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		err = x.tooLarge()
	}
	x.problem(x.faultOf(err))
}

// faultOf is what may be answered of an error; the log has the rest.
func (x *exchange) faultOf(err error) *registry.Fault {
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok || f.Code == registry.Internal && f.Cause != errAnswered { //nolint:errorlint // it is the cause itself
		x.logged(err)
		return x.internal()
	}
	return f
}

func isCanceled(err error) bool {
	return errors.Is(err, errGone) || errors.Is(err, context.Canceled)
}

// errAnswered marks what stands for an error that the log has.
var errAnswered = errors.New("it is in the log")

func (x *exchange) internal() *registry.Fault {
	return registry.Faultf(registry.Internal, "an unexpected failure, which the log tells of under the correlation id").Because(errAnswered)
}

// logged writes what is not answered to the log.
func (x *exchange) logged(err error) {
	if x.req == nil {
		x.req = &Request{}
	}
	if x.req.Correlation.IsZero() {
		x.req.Correlation = x.edge.config.NewID()
	}
	if f, ok := errors.AsType[*registry.Fault](err); ok && f.Logged {
		return
	}
	pattern := ""
	if x.route != nil {
		pattern = x.route.pattern()
	}
	x.edge.config.Log.ErrorContext(x.r.Context(), "a request failed",
		"route", pattern, "correlation", x.req.Correlation, "error", err)
}

// correlation is what the caller gave: an id of ours or of W3C trace context.
func correlation(h http.Header) store.ID {
	if own := h["Talix-Correlation"]; len(own) == 1 {
		if id, err := store.ParseID(own[0]); err == nil {
			return id
		}
	}
	if trace := h["Traceparent"]; len(trace) == 1 {
		return traceID(trace[0])
	}
	return store.ID{}
}
