package httpedge_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// backend runs handlers and keeps answers in memory.
type backend struct {
	mu       sync.Mutex
	answers  map[store.ID][]byte
	last     *httpedge.Request
	before   func(*httpedge.Request) // called before each handler
	recall   error
	forbid   error
	rows     func(*registry.Query) iter.Seq2[any, error] // what Each gives
	changes  iter.Seq2[registry.Change, error]           // what Watch gives
	watch    func(context.Context, func(registry.Change, error) bool)
	remember error
}

func (b *backend) note(r *httpedge.Request) {
	b.mu.Lock()
	b.last = r
	b.mu.Unlock()
	if b.before != nil {
		b.before(r)
	}
}

func (b *backend) Act(ctx context.Context, a *registry.Action, in any, r *httpedge.Request) (any, error) {
	b.note(r)
	return a.Handle(ctx, nil, in, nil)
}

func (b *backend) Ask(ctx context.Context, q *registry.Query, in any, r *httpedge.Request) (any, error) {
	b.note(r)
	return q.Handle(ctx, nil, in)
}

func (b *backend) Each(_ context.Context, q *registry.Query, _ any, r *httpedge.Request) iter.Seq2[any, error] {
	b.note(r)
	return b.rows(q)
}

func (b *backend) Watch(ctx context.Context, _ *registry.Query, _ any, r *httpedge.Request) iter.Seq2[registry.Change, error] {
	b.note(r)
	if b.watch != nil {
		return func(yield func(registry.Change, error) bool) { b.watch(ctx, yield) }
	}
	return b.changes
}

func (b *backend) Allow(context.Context, *registry.Action, *httpedge.Request) error { return b.forbid }

func (b *backend) Recall(_ context.Context, key store.ID) ([]byte, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, ok := b.answers[key]
	return data, ok, b.recall
}

func (b *backend) Remember(_ context.Context, key store.ID, answer []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.answers == nil {
		b.answers = map[store.ID][]byte{}
	}
	if _, ok := b.answers[key]; !ok {
		b.answers[key] = bytes.Clone(answer)
	}
	return b.remember
}

// on is what talix.OnHTTP makes.
func on[In, Out any](pattern string, handle func(context.Context, In) (Out, error)) *registry.Action {
	method, path, _ := strings.Cut(pattern, " ")
	return &registry.Action{
		Name: pattern, Place: registry.Caller(1),
		HTTP: &registry.HTTP{Method: method, Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), NewIn: func() any { return new(In) }},
		Handle: func(ctx context.Context, _ registry.Host, in any, _ *store.Event) (any, error) {
			return handle(ctx, *in.(*In))
		},
	}
}

// query is what talix.NewQuery with Expose makes.
func query[In, Out any](name, path string, handle func(context.Context, In) (Out, error)) *registry.Query {
	return &registry.Query{
		Name: name, Place: registry.Caller(1), In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		HTTP: &registry.HTTP{Method: "GET", Path: path, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](), NewIn: func() any { return new(In) }},
		Handle: func(ctx context.Context, _ registry.QueryHost, in any) (any, error) {
			return handle(ctx, in.(In))
		},
	}
}

func show[In any](_ context.Context, in In) (shown, error) { return shown{fmt.Sprintf("%+v", in)}, nil }

type shown struct {
	In string `json:"in"`
}

// edge compiles an edge over a backend, with a log that is thrown away.
func edge(t testing.TB, b *backend, defs ...any) *httpedge.Edge {
	t.Helper()
	c := httpedge.Config{Backend: b, Log: slog.New(slog.DiscardHandler)}
	return edgeOf(t, c, defs...)
}

func edgeOf(t testing.TB, c httpedge.Config, defs ...any) *httpedge.Edge {
	t.Helper()
	e, err := httpedge.New(with(c, defs))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func with(c httpedge.Config, defs []any) httpedge.Config {
	c.Owner = func(any) string { return "test" }
	for _, d := range defs {
		switch d := d.(type) {
		case *registry.Action:
			c.Actions = append(c.Actions, d)
		case *registry.Query:
			c.Queries = append(c.Queries, d)
		}
	}
	return c
}

// call sends a request; a body is JSON unless a header says else. Headers are
// "Name: value".
func call(h http.Handler, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, target, reader)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		if value == "" {
			r.Header.Del(name)
			continue
		}
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

type problem struct {
	Type, Title, Detail, Code, CorrelationID string
	Status                                   int
	Errors                                   []struct{ Location, Message string }
}

// summary is an answer in short: the status and body, or what a problem says.
func summary(t testing.TB, w *httptest.ResponseRecorder) string {
	t.Helper()
	if w.Code < 400 {
		return fmt.Sprintf("%d %s", w.Code, strings.TrimSpace(w.Body.String()))
	}
	p := problemOf(t, w)
	text := fmt.Sprintf("%d %s", w.Code, p.Code)
	for _, e := range p.Errors {
		text += "; " + e.Location + ": " + e.Message
	}
	if len(p.Errors) == 0 {
		text += ": " + p.Detail
	}
	return text
}

// problemOf reads a problem and checks what all of them have in common.
func problemOf(t testing.TB, w *httptest.ResponseRecorder) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("status %d with %q: %v", w.Code, w.Body, err)
	}
	h := w.Header()
	if h.Get("Content-Type") != "application/problem+json" || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
		t.Errorf("a problem has the headers %v", h)
	}
	if p.Status != w.Code || p.Type == "" || p.Title == "" || p.Code == "" {
		t.Errorf("status %d with the problem %+v", w.Code, p)
	}
	return p
}

type movement struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Whole cents."`
}

type accountRequest struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$" doc:"The account."`
	movement
}

// Movement is exported, as the bank's is.
type Movement = movement

type bankRequest struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$" doc:"The account."`
	Move
}

// Move is embedded in bankRequest.
type Move struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Whole cents."`
}

type balance struct {
	Balance int64 `json:"balance"`
	Version int64 `json:"version"`
}

func deposit() *registry.Action {
	return on("POST /accounts/{id}/deposits", func(_ context.Context, in bankRequest) (balance, error) {
		return balance{in.Amount, int64(len(in.ID))}, nil
	})
}

// bankCalls are requests to the bank and its answers.
var bankCalls = map[string]struct {
	path, body, want string
	headers          []string
}{
	"good":             {"/accounts/abc/deposits", `{"amount":5}`, `200 {"balance":5,"version":3}`, nil},
	"spaces":           {"/accounts/abc/deposits", " { \"amount\" :\t5 }\n", `200 {"balance":5,"version":3}`, nil},
	"unexported":       {"/unexported/abc", `{"amount":5}`, `200 {"balance":5,"version":3}`, nil},
	"unexported, bad":  {"/unexported/abc", `{"amount":0}`, `422 invalid; body.amount: expected number >= 1`, nil},
	"exact":            {"/accounts/abc/deposits", `{"amount":999999999999}`, `200 {"balance":999999999999,"version":3}`, nil},
	"zero":             {"/accounts/abc/deposits", `{"amount":0}`, `422 invalid; body.amount: expected number >= 1`, nil},
	"both":             {"/accounts/a$c/deposits", `{"amount":0}`, `422 invalid; body.amount: expected number >= 1; path.id: expected string to match pattern ^[A-Za-z0-9_.-]+$`, nil},
	"fraction":         {"/accounts/abc/deposits", `{"amount":5.5}`, `422 invalid; body.amount: expected integer`, nil},
	"exponent":         {"/accounts/abc/deposits", `{"amount":1e2}`, `422 invalid; body.amount: number 1e2 does not fit int64`, nil},
	"whole fraction":   {"/accounts/abc/deposits", `{"amount":5.0}`, `422 invalid; body.amount: number 5.0 does not fit int64`, nil},
	"text":             {"/accounts/abc/deposits", `{"amount":"5"}`, `422 invalid; body.amount: expected integer`, nil},
	"null":             {"/accounts/abc/deposits", `{"amount":null}`, `422 invalid; body.amount: expected integer`, nil},
	"beyond":           {"/accounts/abc/deposits", `{"amount":1e400}`, `422 invalid; body: has a number that is too large, at byte 11`, nil},
	"missing":          {"/accounts/abc/deposits", `{}`, `422 invalid; body.amount: is required`, nil},
	"no body":          {"/accounts/abc/deposits", ``, `422 invalid; body.amount: is required`, nil},
	"unknown":          {"/accounts/abc/deposits", `{"amount":5,"x":1}`, `422 invalid; body.x: unknown field`, nil},
	"other case":       {"/accounts/abc/deposits", `{"amount":5,"Amount":-5}`, `422 invalid; body.Amount: unknown field`, nil},
	"path in body":     {"/accounts/abc/deposits", `{"amount":5,"ID":"other"}`, `422 invalid; body.ID: unknown field`, nil},
	"twice":            {"/accounts/abc/deposits", `{"amount":5,"amount":6}`, `422 invalid; body: has the name "amount" twice in one object`, nil},
	"trailing":         {"/accounts/abc/deposits", `{"amount":5} {}`, `422 invalid; body: is not valid JSON: expected the end at byte 14`, nil},
	"no JSON":          {"/accounts/abc/deposits", `amount=5`, `422 invalid; body: is not valid JSON: expected a value at byte 1`, nil},
	"cut":              {"/accounts/abc/deposits", `{"amount":`, `422 invalid; body: is not valid JSON: expected a value at byte 11`, nil},
	"array":            {"/accounts/abc/deposits", `[5]`, `422 invalid; body: expected object`, nil},
	"NUL":              {"/accounts/abc/deposits", "{\"amount\":5}\x00", `422 invalid; body: is not valid JSON: expected the end at byte 13`, nil},
	"escaped NUL":      {"/accounts/abc/deposits", `{"am\u0000ount":5}`, `422 invalid; body: has a NUL in a text`, nil},
	"UTF-8":            {"/accounts/abc/deposits", "{\"amount\xff\":5}", `422 invalid; body: is not valid UTF-8`, nil},
	"deep":             {"/accounts/abc/deposits", strings.Repeat(`[`, 5000), `422 invalid; body: is nested deeper than 100 levels`, nil},
	"escaped path":     {"/accounts/a%2Fb/deposits", `{"amount":5}`, `422 invalid; path.id: expected string to match pattern ^[A-Za-z0-9_.-]+$`, nil},
	"NUL in path":      {"/accounts/a%00b/deposits", `{"amount":5}`, `422 invalid; path.id: expected UTF-8 text without NUL`, nil},
	"UTF-8 in path":    {"/accounts/a%ffb/deposits", `{"amount":5}`, `422 invalid; path.id: expected UTF-8 text without NUL`, nil},
	"long path":        {"/accounts/" + strings.Repeat("a", 65) + "/deposits", `{"amount":5}`, `422 invalid; path.id: expected length <= 64`, nil},
	"query":            {"/accounts/abc/deposits?x=1", `{"amount":5}`, `422 invalid; query.x: unknown parameter`, nil},
	"after is no use":  {"/accounts/abc/deposits?after=1", `{"amount":5}`, `422 invalid; query.after: unknown parameter`, nil},
	"type with params": {"/accounts/abc/deposits", `{"amount":5}`, `200 {"balance":5,"version":3}`, []string{"Content-Type: ", "Content-Type: application/json; charset=UTF-8"}},
	"own JSON type":    {"/accounts/abc/deposits", `{"amount":5}`, `200 {"balance":5,"version":3}`, []string{"Content-Type: ", "Content-Type: application/vnd.bank+json"}},
	"form":             {"/accounts/abc/deposits", `{"amount":5}`, `415 invalid: the body's type is not supported: send application/json`, []string{"Content-Type: ", "Content-Type: application/x-www-form-urlencoded"}},
	"no type":          {"/accounts/abc/deposits", `{"amount":5}`, `415 invalid: the body's type is not supported: send application/json`, []string{"Content-Type: "}},
	"latin-1":          {"/accounts/abc/deposits", `{"amount":5}`, `415 invalid: the body's type is not supported: send application/json`, []string{"Content-Type: ", "Content-Type: application/json; charset=latin1"}},
	"two types":        {"/accounts/abc/deposits", `{"amount":5}`, `415 invalid: the body's type is not supported: send application/json`, []string{"Content-Type: text/plain"}},
	"gzip":             {"/accounts/abc/deposits", `{"amount":5}`, `415 invalid: the body's type is not supported: send no Content-Encoding`, []string{"Content-Encoding: gzip"}},
}

func TestBank(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, deposit(), on("POST /unexported/{id}", func(_ context.Context, in accountRequest) (balance, error) {
		return balance{in.Amount, int64(len(in.ID))}, nil
	}))
	for name, test := range bankCalls {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := call(e, "POST", test.path, test.body, test.headers...)
			if got := summary(t, w); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
			if h := w.Header(); h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v", h)
			}
		})
	}
}

// TestConcurrent: requests that share what is kept for later ones do not get in
// each other's way.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	e := edge(t, &backend{}, deposit(), on("PUT /things/{id}", show[mixed]))
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 100 {
				amount := n*1000 + i + 1
				want := fmt.Sprintf(`200 {"balance":%d,"version":3}`, amount)
				if got := summary(t, call(e, "POST", "/accounts/abc/deposits", fmt.Sprintf(`{"amount":%d}`, amount))); got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				name := strings.Repeat("x", amount)
				if w := call(e, "PUT", "/things/1", `{"name":"`+name+`"}`); !strings.Contains(w.Body.String(), "Name:"+name+" ") {
					t.Errorf("got %s", w.Body)
				}
				bad := fmt.Sprintf("422 invalid; query.q%d: unknown parameter", amount)
				if got := summary(t, call(e, "POST", fmt.Sprintf("/accounts/abc/deposits?q%d", amount), `{"amount":1}`)); got != bad {
					t.Errorf("got %s, want %s", got, bad)
				}
			}
		})
	}
	all.Wait()
}
