package httpedge_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

type created struct {
	Status   int       `status:""`
	Location string    `header:"Location"`
	Tags     []string  `header:"X-Tag"`
	Count    *int      `header:"X-Count"`
	At       time.Time `header:"Last-Modified"`
	ID       string    `json:"id"`
	hidden   int
}

func answers[Out any](out Out) func(context.Context, struct{}) (Out, error) {
	return func(context.Context, struct{}) (Out, error) { return out, nil }
}

func fails(err error) func(context.Context, struct{}) (shown, error) {
	return func(context.Context, struct{}) (shown, error) { return shown{}, err }
}

func TestOutput(t *testing.T) {
	t.Parallel()
	five := 5
	for name, test := range map[string]struct {
		def     *registry.Action
		want    string
		headers map[string]string
	}{
		"struct":        {on("POST /x", answers(shown{"<a>"})), `200 {"in":"<a>"}`, map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}},
		"nothing":       {on("POST /x", answers(struct{}{})), `200 {}`, nil},
		"list":          {on("POST /x", answers([]int{1, 2})), `200 [1,2]`, nil},
		"nil pointer":   {on("POST /x", answers((*shown)(nil))), `200 null`, nil},
		"plain created": {on("POST /x", answers(created{ID: "7"})), `200 {"id":"7"}`, map[string]string{"Location": "", "Last-Modified": "", "X-Count": ""}},
		"created": {on("POST /x", answers(created{Status: 201, Location: "/x/7", Tags: []string{"a", "b"}, Count: &five, At: time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC), ID: "7", hidden: 1})),
			`201 {"id":"7"}`, map[string]string{"Location": "/x/7", "X-Tag": "a,b", "X-Count": "5", "Last-Modified": "Thu, 02 Jan 2025 03:04:05 GMT"}},
		"no content": {on("POST /x", answers(created{Status: 204, ID: "7"})), `204 `, map[string]string{"Content-Type": "", "Content-Length": ""}},
		"bad status": {on("POST /x", answers(created{Status: 99})), `500 internal: an unexpected failure, which the log tells of under the correlation id`, nil},
		"no JSON":    {on("POST /x", answers(math.NaN())), `500 internal: an unexpected failure, which the log tells of under the correlation id`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(edge(t, &backend{}, test.def), "POST", "/x", "")
			if got := summary(t, w); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			for name, want := range test.headers {
				if got := strings.Join(w.Header().Values(name), ","); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
		})
	}
}

// stream tells whether it was closed, and may fail.
type stream struct {
	io.Reader
	closed bool
}

func (s *stream) Close() error {
	s.closed = true
	return nil
}

type download struct {
	Status int       `status:""`
	Type   string    `header:"Content-Type"`
	Body   io.Reader `body:"raw"`
}

func TestOutputStream(t *testing.T) {
	t.Parallel()
	serve := func(d download, method string) (w *httptest.ResponseRecorder, aborted bool) {
		e := edge(t, &backend{}, on("GET /x", answers(d)))
		w = httptest.NewRecorder()
		defer func() { aborted = isAbort(recover()) }()
		e.ServeHTTP(w, httptest.NewRequest(method, "/x", nil))
		return w, false
	}
	good := &stream{Reader: strings.NewReader("abc")}
	w, aborted := serve(download{Body: good, Type: "text/csv"}, "GET")
	if aborted || w.Body.String() != "abc" || !good.closed || w.Header().Get("Content-Type") != "text/csv" {
		t.Errorf("aborted %v, body %q, closed %v, headers %v", aborted, w.Body, good.closed, w.Header())
	}
	head := &stream{Reader: strings.NewReader("abc")}
	if w, _ = serve(download{Body: head}, "HEAD"); w.Body.Len() > 0 || !head.closed || w.Header().Get("Content-Type") != "application/octet-stream" {
		t.Errorf("HEAD: body %q, closed %v, headers %v", w.Body, head.closed, w.Header())
	}
	cut := &stream{Reader: io.MultiReader(strings.NewReader("abc"), broken{})}
	if w, aborted = serve(download{Body: cut}, "GET"); !aborted || !cut.closed {
		t.Errorf("a stream that fails: aborted %v, closed %v, body %q", aborted, cut.closed, w.Body)
	}
	bad := &stream{Reader: strings.NewReader("abc")}
	if w, _ = serve(download{Body: bad, Status: 1}, "GET"); w.Code != 500 || !bad.closed {
		t.Errorf("a bad status: %d, closed %v", w.Code, bad.closed)
	}
	if w, aborted = serve(download{}, "GET"); aborted || w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("no stream: aborted %v, status %d, body %q", aborted, w.Code, w.Body)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	fault := func(code registry.Code, status int) error {
		return &registry.Fault{Code: code, Message: "why", Status: status, Cause: errors.New("secret")}
	}
	for name, test := range map[string]struct {
		err        error
		want       string
		retryAfter string
	}{
		"invalid":          {&registry.Fault{Code: registry.Invalid, Message: "m", Fields: []registry.Field{{Location: "a", Message: "b"}}}, "422 invalid; a: b", ""},
		"rejected":         {fault(registry.Rejected, 0), "409 rejected: why", ""},
		"rejected with":    {fault(registry.Rejected, 403), "403 rejected: why", ""},
		"not found":        {fault(registry.NotFound, 0), "404 not_found: why", ""},
		"gone":             {fault(registry.NotFound, 410), "410 not_found: why", ""},
		"deleted":          {fault(registry.Gone, 0), "410 gone: why", ""},
		"overloaded":       {fault(registry.Overloaded, 0), "429 overloaded: why", "1"},
		"unavailable":      {fault(registry.Unavailable, 0), "503 unavailable: why", "1"},
		"unknown":          {fault(registry.Unknown, 0), "504 unknown: why", ""},
		"internal":         {fault(registry.Internal, 0), "500 internal: an unexpected failure, which the log tells of under the correlation id", ""},
		"internal with":    {fault(registry.Internal, 404), "500 internal: an unexpected failure, which the log tells of under the correlation id", ""},
		"status of no use": {fault(registry.Rejected, 200), "409 rejected: why", ""},
		"strange status":   {fault(registry.Rejected, 499), "499 rejected: why", ""},
		"gateway":          {fault(registry.Rejected, 502), "502 rejected: why", ""},
		"internal status":  {fault(registry.Rejected, 500), "409 rejected: why", ""},
		"wrapped":          {fmt.Errorf("run: %w", fault(registry.Rejected, 0)), "409 rejected: why", ""},
		"other":            {errors.New("secret"), "500 internal: an unexpected failure, which the log tells of under the correlation id", ""},
		"canceled inside":  {context.Canceled, "500 internal: an unexpected failure, which the log tells of under the correlation id", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			e := edgeOf(t, httpedge.Config{Backend: &backend{}, Log: slog.New(slog.NewTextHandler(&log, nil))}, on("POST /x", fails(test.err)))
			w := call(e, "POST", "/x", "")
			if got := summary(t, w); got != test.want || w.Header().Get("Retry-After") != test.retryAfter {
				t.Errorf("got  %s, retry after %q\nwant %s, retry after %q", got, w.Header().Get("Retry-After"), test.want, test.retryAfter)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer tells %s", w.Body)
			}
			isInternal := w.Code == 500
			if lines := strings.Count(log.String(), "\n"); lines == 1 != isInternal {
				t.Errorf("%d lines in the log: %s", lines, log.String())
			}
			if id := problemOf(t, w).CorrelationID; isInternal && (id == "" || !strings.Contains(log.String(), id) || w.Header().Get("Talix-Correlation") != id) {
				t.Errorf("correlation %q, in the log: %s", id, log.String())
			}
		})
	}
}

// isAbort tells whether a panic is the one that cuts the connection.
func isAbort(p any) bool {
	err, ok := p.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

func TestPanics(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	e := edgeOf(t, httpedge.Config{Backend: &backend{}, Log: slog.New(slog.NewTextHandler(&log, nil))},
		on("POST /x", func(context.Context, struct{}) (shown, error) { panic("secret") }),
		on("POST /abort", func(context.Context, struct{}) (shown, error) { panic(http.ErrAbortHandler) }))
	for range 3 {
		w := call(e, "POST", "/x", "")
		if got := summary(t, w); !strings.HasPrefix(got, "500 internal") || strings.Contains(w.Body.String(), "secret") {
			t.Errorf("got %s", w.Body)
		}
	}
	if !strings.Contains(log.String(), "secret") || !strings.Contains(log.String(), "answer_test.go") {
		t.Errorf("the log says %s", log.String())
	}
	defer func() {
		if p := recover(); !isAbort(p) {
			t.Errorf("got the panic %v", p)
		}
	}()
	call(e, "POST", "/abort", "")
}

func TestCallerGone(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	ctx, cancel := context.WithCancel(t.Context())
	e := edgeOf(t, httpedge.Config{Backend: &backend{}, Log: slog.New(slog.NewTextHandler(&log, nil))},
		on("POST /x", func(ctx context.Context, _ struct{}) (shown, error) {
			cancel()
			<-ctx.Done()
			return shown{}, fmt.Errorf("run: %w", ctx.Err())
		}))
	w := httptest.NewRecorder()
	defer func() {
		if p := recover(); !isAbort(p) || w.Body.Len() > 0 || log.Len() > 0 {
			t.Errorf("panic %v, body %q, log %s", p, w.Body, log.String())
		}
	}()
	e.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/x", nil).WithContext(ctx))
}

func TestRequestAndPosition(t *testing.T) {
	t.Parallel()
	made := store.ID{0xaa}
	b := &backend{before: func(r *httpedge.Request) {
		r.Position = "0:17"
		if r.Correlation.IsZero() {
			r.Correlation = made
		}
	}}
	e := edge(t, b, on("POST /x", answers(1)), on("POST /no", fails(registry.Faultf(registry.Rejected, "no"))), query("q", "/q", answers(1)))
	const given, trace = "01890a5d-ac96-774b-bcce-b302099a8057", "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"
	for name, test := range map[string]struct {
		method, target, correlation, after string
		headers                            []string
	}{
		"none":        {"POST", "/x", made.String(), "", nil},
		"given":       {"POST", "/x", given, "", []string{"Talix-Correlation: " + given}},
		"bad":         {"POST", "/x", made.String(), "", []string{"Talix-Correlation: x"}},
		"trace":       {"POST", "/x", trace, "", []string{"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}},
		"trace, bad":  {"POST", "/x", made.String(), "", []string{"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01"}},
		"trace, zero": {"POST", "/x", made.String(), "", []string{"Traceparent: 00-00000000000000000000000000000000-00f067aa0ba902b7-01"}},
		"problem":     {"POST", "/no", given, "", []string{"Talix-Correlation: " + given}},
		"after":       {"GET", "/q?after=0:5", made.String(), "0:5", nil},
		"after head":  {"GET", "/q", made.String(), "0:5", []string{"Talix-After: 0:5"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := call(e, test.method, test.target, "", append(test.headers, "X-Any: thing")...)
			if got := w.Header().Get("Talix-Correlation"); got != test.correlation {
				t.Errorf("correlation %q, want %q", got, test.correlation)
			}
			if w.Code >= 400 {
				if p := problemOf(t, w); p.CorrelationID != test.correlation {
					t.Errorf("the problem says %q", p.CorrelationID)
				}
			} else if got := w.Header().Get("Talix-Position"); got != "0:17" {
				t.Errorf("position %q", got)
			}
			if b.last.After != test.after || b.last.Header("x-any") != "thing" {
				t.Errorf("after %q, header %q", b.last.After, b.last.Header("x-any"))
			}
		})
	}
}
