package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// BenchRequest says which command is run again and again, to see how fast the
// program is.
type BenchRequest struct {
	Name  string          `json:"name"`
	Input json.RawMessage `json:"input,omitempty"`
	// Callers run it at once, each again when it was answered. Defaults to 16,
	// at most 1,024.
	Callers int `json:"callers,omitempty"`
	// Entities is on how many it is run in turn. They are named Prefix and a
	// number. Defaults to Callers, at most a million.
	Entities int `json:"entities,omitempty"`
	// Prefix defaults to one that no bench had before.
	Prefix string `json:"prefix,omitempty"`
	// Count and Seconds say when it ends: after so many runs or so long,
	// whatever comes first. Seconds defaults to 10, at most 600; zero Count bounds
	// nothing.
	Count   int64   `json:"count,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
}

// Bench is how it went. Times are in seconds; P50 and so on are true to one in
// sixteen.
type Bench struct {
	Name      string       `json:"name"`
	Prefix    string       `json:"prefix"`
	Callers   int          `json:"callers"`
	Entities  int          `json:"entities"`
	Runs      int64        `json:"runs"` // those that failed among them
	Failed    int64        `json:"failed"`
	Seconds   float64      `json:"seconds"`
	PerSecond float64      `json:"perSecond"`
	P50       float64      `json:"p50"`
	P90       float64      `json:"p90"`
	P99       float64      `json:"p99"`
	P999      float64      `json:"p999"`
	Max       float64      `json:"max"`
	Errors    []BenchError `json:"errors,omitempty"`
}

// BenchError is what runs failed with.
type BenchError struct {
	Code   string `json:"code"`
	Count  int64  `json:"count"`
	Detail string `json:"detail"` // of the first one
}

// Bounds of a bench.
const (
	benchCallers  = 1024
	benchEntities = 1_000_000
	benchSeconds  = 600
	benchTells    = 200 * time.Millisecond
)

// Bench runs a command again and again, in this process, and tells now and then
// how it goes. One at a time is run. What it leads to is stored as if people had
// asked for it. When ctx ends, so does it, with what there is by then.
func (a *API) Bench(ctx context.Context, in BenchRequest, tell func(Bench)) (out Bench, err error) {
	err = a.change(ctx, "bench", in.Name, func() error {
		if !slices.ContainsFunc(a.catalog.Commands, func(c runtime.CommandInfo) bool { return c.Name == in.Name }) {
			return talix.NotFound("no service has the command %q", in.Name)
		}
		if err := in.check(a.cfg.Now()); err != nil {
			return err
		}
		select {
		case a.benching <- struct{}{}:
			defer func() { <-a.benching }()
		default:
			return &talix.Error{Code: talix.CodeOverloaded, Message: "another bench is under way"}
		}
		out = a.bench(ctx, &in, tell)
		return nil
	})
	return out, err
}

func (in *BenchRequest) check(now time.Time) error {
	in.Callers = cmp.Or(in.Callers, 16)
	in.Entities = cmp.Or(in.Entities, in.Callers)
	in.Seconds = cmp.Or(in.Seconds, 10)
	in.Prefix = cmp.Or(in.Prefix, "bench-"+strconv.FormatInt(now.UnixMilli(), 36)+"-")
	switch {
	case in.Callers < 1 || in.Callers > benchCallers:
		return talix.Invalid("callers", "is from 1 to %d", benchCallers)
	case in.Entities < 1 || in.Entities > benchEntities:
		return talix.Invalid("entities", "is from 1 to %d", benchEntities)
	case in.Seconds < 0 || in.Seconds > benchSeconds:
		return talix.Invalid("seconds", "is at most %d", benchSeconds)
	case in.Count < 0:
		return talix.Invalid("count", "is not below zero")
	}
	return nil
}

func (a *API) bench(ctx context.Context, in *BenchRequest, tell func(Bench)) Bench {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(in.Seconds*float64(time.Second)))
	defer cancel()
	l := &load{in: in, now: a.cfg.Now, began: a.cfg.Now(), failed: map[string]*BenchError{}}
	var all sync.WaitGroup
	for range in.Callers {
		all.Go(func() { l.work(ctx, a.rt.Calls()) })
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		all.Wait()
	}()
	tick := time.NewTicker(benchTells)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			tell(l.sum())
		case <-ended:
			return l.sum()
		}
	}
}

// load is what callers do together.
type load struct {
	in    *BenchRequest
	now   func() time.Time
	began time.Time
	begun atomic.Int64
	took  spread

	mu     sync.Mutex
	failed map[string]*BenchError
}

// work is what one caller does.
func (l *load) work(ctx context.Context, calls runtime.Calls) {
	for ctx.Err() == nil {
		n := l.begun.Add(1)
		if l.in.Count > 0 && n > l.in.Count {
			return
		}
		id := l.in.Prefix + strconv.FormatInt((n-1)%int64(l.in.Entities), 10)
		began := l.now()
		_, err := calls.Command(ctx, l.in.Name, id, l.in.Input, "")
		if err != nil && ctx.Err() != nil {
			return // it was not its own fault
		}
		l.took.add(l.now().Sub(began))
		if err != nil {
			l.fail(err)
		}
	}
}

func (l *load) fail(err error) {
	p := ProblemOf(err)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed[p.Code] == nil {
		l.failed[p.Code] = &BenchError{Code: p.Code, Detail: p.Detail}
	}
	l.failed[p.Code].Count++
}

// sum is how it went so far.
func (l *load) sum() Bench {
	took := l.now().Sub(l.began).Seconds()
	b := Bench{
		Name: l.in.Name, Prefix: l.in.Prefix, Callers: l.in.Callers, Entities: l.in.Entities, Runs: l.took.count(), Seconds: took,
		P50: l.took.at(0.5), P90: l.took.at(0.9), P99: l.took.at(0.99), P999: l.took.at(0.999), Max: l.took.at(1),
	}
	b.PerSecond = float64(b.Runs) / max(took, 1e-6)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.failed {
		b.Errors = append(b.Errors, *e)
		b.Failed += e.Count
	}
	slices.SortFunc(b.Errors, func(a, b BenchError) int { return cmp.Compare(a.Code, b.Code) })
	return b
}

// serveBench answers a bench as server-sent events: "progress" now and then, and
// the "result".
func (a *API) serveBench(w http.ResponseWriter, r *http.Request) {
	var in BenchRequest
	if err := decode(w, r, &in); err != nil {
		WriteProblem(w, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-a.ending:
			cancel()
		case <-ended:
		}
	}()
	out := newEventStream(w)
	b, err := a.Bench(ctx, in, func(b Bench) {
		if out.send("progress", b) != nil {
			cancel()
		}
	})
	if err == nil {
		err = out.send("result", b)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		out.end(err)
	}
}
