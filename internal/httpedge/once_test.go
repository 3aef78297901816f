package httpedge_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// counting counts its runs and answers with their number.
func counting(runs *atomic.Int64, pattern string) *registry.Action {
	return on(pattern, func(_ context.Context, in bankRequest) (created, error) {
		n := runs.Add(1)
		if in.Amount == 13 {
			return created{}, registry.Faultf(registry.Rejected, "bad luck")
		}
		return created{Status: 201, Location: "/x", ID: fmt.Sprint(n)}, nil
	})
}

func TestIdempotency(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	b := &backend{before: func(r *httpedge.Request) {
		r.Position, r.Correlation = fmt.Sprint(runs.Load()), store.ID{byte(runs.Load() + 1)}
	}}
	e := edge(t, b, counting(&runs, "POST /x/{id}"), counting(&runs, "POST /y/{id}"))
	const key = "Idempotency-Key: k 1"
	first := call(e, "POST", "/x/a", `{"amount":5}`, key)
	if got := summary(t, first); got != `201 {"id":"1"}` || first.Header().Get("Talix-Replayed") != "" {
		t.Fatalf("got %s, %v", got, first.Header())
	}
	sent := b.last.Key
	if sent.IsZero() || sent[6]>>4 != 8 || sent[8]>>6 != 2 {
		t.Errorf("the key is %s, no UUIDv8", sent)
	}
	again := call(e, "POST", "/x/a", `{"amount":5}`, key)
	if again.Code != first.Code || again.Body.String() != first.Body.String() {
		t.Errorf("the repeat got %d %s", again.Code, again.Body)
	}
	again.Header().Del("Talix-Replayed")
	if got, want := fmt.Sprint(again.Header()), fmt.Sprint(first.Header()); got != want {
		t.Errorf("headers\n%s\nwant\n%s", got, want)
	}
	for name, test := range map[string]struct{ path, body, key, want string }{
		"other body":     {"/x/a", `{"amount":6}`, key, "422 invalid; header.Idempotency-Key: was used before with another input: use a new key for a new request"},
		"other spelling": {"/x/a", `{"amount": 5}`, key, "422 invalid; header.Idempotency-Key: was used before with another input: use a new key for a new request"},
		"other query":    {"/x/a?x=1", `{"amount":5}`, key, "422 invalid; header.Idempotency-Key: was used before with another input: use a new key for a new request"},
		"empty":          {"/x/a", `{"amount":5}`, "Idempotency-Key: \t", "422 invalid; header.Idempotency-Key: expected 1 to 255 printable ASCII characters, once"},
		"long":           {"/x/a", `{"amount":5}`, "Idempotency-Key: " + strings.Repeat("x", 256), "422 invalid; header.Idempotency-Key: expected 1 to 255 printable ASCII characters, once"},
		"not ASCII":      {"/x/a", `{"amount":5}`, "Idempotency-Key: ä", "422 invalid; header.Idempotency-Key: expected 1 to 255 printable ASCII characters, once"},
	} {
		if got := summary(t, call(e, "POST", test.path, test.body, test.key)); got != test.want {
			t.Errorf("%s: got %s\nwant %s", name, got, test.want)
		}
	}
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, key, "Idempotency-Key: k 2")); !strings.HasPrefix(got, "422 invalid; header.Idempotency-Key") {
		t.Errorf("two keys: %s", got)
	}
	if runs.Load() != 1 {
		t.Errorf("%d runs", runs.Load())
	}
	for i, target := range []string{"/x/b", "/y/a"} { // other requests, though under the same key
		if got, want := summary(t, call(e, "POST", target, `{"amount":5}`, key)), fmt.Sprintf(`201 {"id":"%d"}`, i+2); got != want {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}

func TestFailuresAreNotRemembered(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	b := &backend{}
	e := edge(t, b, counting(&runs, "POST /x/{id}"))
	const key = "Idempotency-Key: k"
	for _, body := range []string{`{"amount":13}`, `{"amount":0}`, `{"amount":13}`} {
		if w := call(e, "POST", "/x/a", body, key); w.Code < 400 {
			t.Errorf("%s: status %d", body, w.Code)
		}
	}
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, key)); got != `201 {"id":"3"}` || len(b.answers) != 1 {
		t.Errorf("got %s, with %d answers kept", got, len(b.answers))
	}
}

func TestAnswersThatAreNotKept(t *testing.T) {
	t.Parallel()
	b := &backend{}
	e := edgeOf(t, httpedge.Config{Backend: b, MaxRemembered: 10},
		on("POST /large", answers(strings.Repeat("x", 20))), on("POST /redirect", answers(created{Status: 303})),
		on("POST /stream", func(context.Context, struct{}) (download, error) {
			return download{Body: strings.NewReader("abc")}, nil
		}),
		query("q", "/q", answers(1)), on("GET /get", answers(1)))
	for _, target := range []string{"POST /large", "POST /redirect", "POST /stream", "GET /q", "GET /get"} {
		method, path, _ := strings.Cut(target, " ")
		for range 2 {
			if w := call(e, method, path, "", "Idempotency-Key: k"); w.Code >= 400 || w.Header().Get("Talix-Replayed") != "" {
				t.Errorf("%s: status %d, %v", target, w.Code, w.Header())
			}
		}
	}
	if len(b.answers) != 0 {
		t.Errorf("%d answers were kept", len(b.answers))
	}
}

func TestStreamedInputHasNoKey(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, on("POST /raw/{id}", func(_ context.Context, in upload) (shown, error) {
		_, err := io.Copy(io.Discard, in.Body)
		return shown{}, err
	}))
	if got := summary(t, call(e, "POST", "/raw/7", "abc", "Idempotency-Key: k")); got != "422 invalid; header.Idempotency-Key: a streamed body cannot be compared with an earlier one: send it without this header" {
		t.Errorf("got %s", got)
	}
}

func TestBackendOfKeysFails(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	b := &backend{recall: registry.Faultf(registry.Unavailable, "away")}
	e := edge(t, b, counting(&runs, "POST /x/{id}"))
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, "Idempotency-Key: k")); got != "503 unavailable: away" || runs.Load() != 0 {
		t.Errorf("got %s after %d runs", got, runs.Load())
	}
	b.recall, b.remember = nil, errors.New("disk full")
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, "Idempotency-Key: k")); got != `201 {"id":"1"}` {
		t.Errorf("what was done is not answered: %s", got)
	}
	for key := range b.answers {
		b.answers[key] = []byte("rubbish")
	}
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, "Idempotency-Key: k")); !strings.HasPrefix(got, "500 internal") || runs.Load() != 1 {
		t.Errorf("a damaged answer: %s after %d runs", got, runs.Load())
	}
}

// TestSingleFlight: repeats that come while the first request is under way wait
// for its answer.
func TestSingleFlight(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fails bool
		runs  int64
	}{"success": {false, 1}, "failure": {true, 5}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var runs atomic.Int64
				release := make(chan struct{})
				b := &backend{}
				e := edge(t, b, on("POST /x", func(context.Context, struct{}) (shown, error) {
					runs.Add(1)
					<-release
					if test.fails {
						return shown{}, registry.Faultf(registry.Rejected, "no")
					}
					return shown{"done"}, nil
				}))
				var all sync.WaitGroup
				var replayed atomic.Int64
				for range 5 {
					all.Go(func() {
						w := call(e, "POST", "/x", "", "Idempotency-Key: k")
						if test.fails == (w.Code == 200) {
							t.Errorf("status %d", w.Code)
						}
						if w.Header().Get("Talix-Replayed") == "true" {
							replayed.Add(1)
						}
					})
				}
				synctest.Wait()
				if runs.Load() != 1 {
					t.Errorf("%d runs at once", runs.Load())
				}
				close(release)
				all.Wait()
				if want := 5 - test.runs; runs.Load() != test.runs || replayed.Load() != want {
					t.Errorf("%d runs, %d replayed", runs.Load(), replayed.Load())
				}
			})
		})
	}
}

// TestWaitingEnds: a repeat does not wait longer than its caller.
func TestWaitingEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		e := edge(t, &backend{}, on("POST /x", func(context.Context, struct{}) (shown, error) {
			<-release
			return shown{}, nil
		}))
		var first sync.WaitGroup
		first.Go(func() { call(e, "POST", "/x", "", "Idempotency-Key: k") })
		synctest.Wait()
		ctx, cancel := context.WithCancel(t.Context())
		gone := make(chan any)
		go func() {
			defer func() { gone <- recover() }()
			r := httptest.NewRequest(http.MethodPost, "/x", nil).WithContext(ctx)
			r.Header.Set("Idempotency-Key", "k")
			e.ServeHTTP(httptest.NewRecorder(), r)
		}()
		synctest.Wait()
		cancel()
		if p := <-gone; p == nil {
			t.Error("the repeat was answered though its caller is gone")
		}
		close(release)
		first.Wait()
	})
}

// TestPanicUnderKey: a panic lets go of the key.
func TestPanicUnderKey(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	e := edge(t, &backend{}, on("POST /x", func(context.Context, struct{}) (shown, error) {
		if runs.Add(1) == 1 {
			panic("once")
		}
		return shown{"done"}, nil
	}))
	for i, want := range []int{500, 200, 200} {
		if w := call(e, "POST", "/x", "", "Idempotency-Key: k"); w.Code != want {
			t.Errorf("%d: status %d, want %d", i, w.Code, want)
		}
	}
	if runs.Load() != 2 {
		t.Errorf("%d runs", runs.Load())
	}
}

// A first answer is given again only to those who may have it.
func TestRepeatThatIsNotAllowed(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	b := &backend{}
	e := edge(t, b, counting(&runs, "POST /x/{id}"))
	const key = "Idempotency-Key: k"
	if w := call(e, "POST", "/x/a", `{"amount":5}`, key); w.Code != 201 {
		t.Fatal(w.Code, w.Body)
	}
	b.forbid = &registry.Fault{Code: registry.Rejected, Message: "who are you?", Status: 403}
	if got := summary(t, call(e, "POST", "/x/a", `{"amount":5}`, key)); got != "403 rejected: who are you?" || runs.Load() != 1 {
		t.Errorf("got %s after %d runs", got, runs.Load())
	}
}
