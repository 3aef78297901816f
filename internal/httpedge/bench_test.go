package httpedge_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/store"
)

// quick is a backend that does nothing.
type quick struct {
	httpedge.Backend
	handle func(in any) any
}

func (q quick) Act(_ context.Context, _ *registry.Action, in any, _ *httpedge.Request) (any, error) {
	return q.handle(in), nil
}

func (q quick) Ask(_ context.Context, _ *registry.Query, in any, _ *httpedge.Request) (any, error) {
	return q.handle(in), nil
}
func (quick) Allow(context.Context, *registry.Action, *httpedge.Request) error { return nil }

func (quick) Recall(context.Context, store.ID) ([]byte, bool, error) { return nil, false, nil }
func (quick) Remember(context.Context, store.ID, []byte) error       { return nil }

func quickDeposit(in any) any {
	d := in.(*bankRequest)
	return balance{d.Amount, int64(len(d.ID))}
}

// bare is the same by hand.
func bare() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /accounts/{id}/deposits", func(w http.ResponseWriter, r *http.Request) {
		var in Move
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil || in.Amount < 1 {
			http.Error(w, "bad", http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(balance{in.Amount, int64(len(r.PathValue("id")))}); err != nil {
			panic(err)
		}
	})
	return mux
}

func handlers(b *testing.B) map[string]http.Handler {
	off := schema.New()
	off.Custom = func(reflect.Type) (func(any) []registry.Field, error) { return nil, nil }
	return map[string]http.Handler{
		"bare":    bare(),
		"edge":    edgeOf(b, httpedge.Config{Backend: quick{handle: quickDeposit}}, deposit()),
		"edgeOff": edgeOf(b, httpedge.Config{Backend: quick{handle: quickDeposit}, Schemas: off}, deposit()),
	}
}

// nothing is a writer that costs nothing.
type nothing struct {
	header http.Header
	status int
}

func (n *nothing) Header() http.Header         { return n.header }
func (n *nothing) Write(p []byte) (int, error) { return len(p), nil }
func (n *nothing) WriteHeader(status int)      { n.status = status }

// client makes one request of a handler and fails unless it succeeds.
type client func(b *testing.B)

// alone calls the handler without a server.
func alone(h http.Handler) client {
	body := strings.NewReader("")
	w := &nothing{header: http.Header{}}
	r := httptest.NewRequest(http.MethodPost, "/accounts/abc/deposits", nil)
	r.Header.Set("Content-Type", "application/json")
	r.ContentLength = 16
	r.Body = io.NopCloser(body)
	return func(b *testing.B) {
		body.Reset(`{"amount":12345}`)
		clear(w.header)
		h.ServeHTTP(w, r)
		if w.status >= 400 {
			b.Fatal(w.status)
		}
	}
}

// served goes through a server and one connection.
func served(b *testing.B, h http.Handler) client {
	s := httptest.NewServer(h)
	b.Cleanup(s.Close)
	return func(b *testing.B) {
		res, err := s.Client().Post(s.URL+"/accounts/abc/deposits", "application/json", strings.NewReader(`{"amount":12345}`))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.StatusCode, err)
		}
		if err := res.Body.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkHandler is one request to the handlers alone.
func BenchmarkHandler(b *testing.B) {
	hs := handlers(b)
	for _, name := range []string{"bare", "edge", "edgeOff"} {
		b.Run(name, func(b *testing.B) {
			call := alone(hs[name])
			b.ReportAllocs()
			for b.Loop() {
				call(b)
			}
		})
	}
}

// BenchmarkRatio takes the handlers in turns and reports medians: how many times
// as long the edge takes as a bare handler, and what validation costs.
func BenchmarkRatio(b *testing.B) {
	for _, way := range []string{"handler", "server"} {
		b.Run(way, func(b *testing.B) {
			calls := map[string]client{}
			for name, h := range handlers(b) {
				calls[name] = alone(h)
				if way == "server" {
					calls[name] = served(b, h)
				}
			}
			times := map[string][]float64{}
			for b.Loop() {
				for name, call := range calls {
					start := time.Now()
					for range 100 {
						call(b)
					}
					times[name] = append(times[name], float64(time.Since(start).Nanoseconds())/100)
				}
			}
			bare, edge, off := median(times["bare"]), median(times["edge"]), median(times["edgeOff"])
			b.ReportMetric(edge/bare, "edge/bare")
			b.ReportMetric(edge-bare, "edge-bare-ns")
			b.ReportMetric(edge-off, "validation-ns")
		})
	}
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}
