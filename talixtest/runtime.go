package talixtest

import (
	"context"
	"errors"
	"log/slog"
	goruntime "runtime"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

// Runtime is a whole runtime in memory. Each of its methods, and each function
// that takes it, returns when everything has been done that there was to do at
// that moment of its clock: actions ran, views took the events, messages were
// handled. Only Advance moves the clock; but where a handler itself waits, as a
// fake may that sleeps, time passes until it goes on.
//
// Its methods may be called from several goroutines, and are done one after
// another.
type Runtime struct {
	t       T
	bubble  *bubble
	parts   []talix.Part
	begin   time.Time
	began   time.Time // in the bubble's time
	rt      *runtime.Runtime
	store   *memory.Store
	tables  table.Store
	taps    map[string]*tap
	watcher *watcher
	log     *slog.Logger
	over    atomic.Bool        // nothing is to be logged any more
	known   map[string]bool    // failures that the test has seen
	ctx     context.Context    //nolint:containedctx // the bubble's: a context of the test's own must not get in
	cancel  context.CancelFunc // of ctx
}

// Start starts a runtime for a test, with a store of several partitions, view
// tables, and a broker under every name that the parts use, all in memory. What
// services Need is provided by the test, with talix.Provide. Parts may also be
// single definitions, such as a table with its entity and queries alone.
//
// When the test ends, the runtime is stopped. The test fails if work has failed
// that it did not ask for with Failures, if it is under way still, or if a
// goroutine is left; if folding an entity's events twice leads to two states, or
// to another one than there is in memory; and if a view is not what the log
// makes of it.
func Start(t T, parts ...talix.Part) *Runtime {
	t.Helper()
	r := &Runtime{t: t, bubble: blow(t), taps: map[string]*tap{}, watcher: newWatcher(), known: map[string]bool{}}
	r.log = slog.New(slog.NewTextHandler(logger{r}, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for _, p := range parts {
		if c, ok := p.(clock); ok {
			r.begin = time.Time(c)
		}
	}
	r.parts = slices.Concat([]talix.Part{talix.Use(r.watcher)}, parts, []talix.Part{givens{}})
	t.Cleanup(r.stop)
	var err error
	r.call(func() { err = r.open() })
	if err != nil {
		t.Fatalf("start: %v", err)
	}
	return r
}

// Clock is a part for Start: the clock stands at the given time at first,
// instead of at Begin.
func Clock(begin time.Time) talix.Part { return clock(begin) }

type clock time.Time

func (clock) Register(*registry.Registry) {}

// open makes the runtime, inside the bubble.
func (r *Runtime) open() error {
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.began = time.Now()
	if r.begin.IsZero() {
		r.begin = r.began.UTC()
	}
	r.store = memory.New(memory.Config{})
	for _, name := range runtime.Brokers(r.parts...) {
		r.taps[name] = newTap()
	}
	if needsTables(r.parts) {
		tables, err := sqlite.OpenTables(r.ctx, sqlite.TablesConfig{})
		if err != nil {
			return err
		}
		r.tables = tables
	}
	return r.host()
}

// host makes the runtime that stands on the rest.
func (r *Runtime) host() error {
	cfg := runtime.Config{
		Store: r.store, Tables: r.tables, Brokers: map[string]broker.Broker{}, Parts: r.parts, Log: r.log, Now: r.now, Poll: patience,
	}
	for name, b := range r.taps {
		cfg.Brokers[name] = b
	}
	rt, err := runtime.New(r.ctx, cfg)
	if err != nil {
		return err
	}
	rt.Start()
	r.rt = rt
	return nil
}

// Restart stops the runtime and starts another one on the same store, tables
// and brokers, with the same parts: what is kept goes on, what was in memory
// is gone.
func (r *Runtime) Restart() {
	r.t.Helper()
	var err error
	r.call(func() {
		r.rt.Stop()
		err = r.host()
	})
	if err != nil {
		r.t.Fatalf("restart: %v", err)
	}
}

func needsTables(parts []talix.Part) bool {
	reg := registry.New()
	for _, p := range parts {
		p.Register(reg)
	}
	for _, q := range reg.Queries {
		if q.SQL != nil {
			return true
		}
	}
	return len(reg.Tables) > 0
}

// close ends what open made, inside the bubble.
func (r *Runtime) close() {
	if r.rt != nil {
		r.rt.Stop()
	}
	for _, b := range r.taps {
		r.report(b.Close())
	}
	if r.tables != nil {
		r.report(r.tables.Close())
	}
	if r.store != nil {
		r.report(r.store.Close())
	}
	if r.cancel != nil {
		r.cancel()
	}
}

func (r *Runtime) report(err error) {
	if err != nil {
		r.t.Errorf("end of the test: %v", err)
	}
}

// stop ends the runtime with the test.
func (r *Runtime) stop() {
	r.t.Helper()
	defer r.over.Store(true)
	var failures []Failure
	var faults []string
	err := r.bubble.do(func() {
		if r.rt != nil {
			failures, faults = r.failures(), r.audit()
		}
	}, nil)
	for _, fault := range faults {
		r.t.Errorf("%s", fault)
	}
	for _, f := range failures {
		if !r.known[f.key()] {
			r.t.Errorf("work failed that the test did not ask for with Failures: %s", f)
		}
	}
	if err == nil {
		err = r.bubble.do(r.close, nil)
	}
	left, endErr := r.bubble.end()
	r.report(errors.Join(err, endErr))
	if len(left) > 0 {
		r.t.Errorf("goroutines did not end with the runtime; what a service starts has to end when its ctx does:\n%s", strings.Join(left, "\n\n"))
	}
}

// call runs fn inside the bubble, and lets everything that follows be done.
func (r *Runtime) call(fn func()) {
	r.t.Helper()
	err := r.bubble.do(fn, r.settle)
	if errors.Is(err, errExited) {
		goruntime.Goexit() // as fn did
	}
	if err != nil {
		r.t.Fatalf("%v", err)
	}
}

// now is the runtime's clock.
func (r *Runtime) now() time.Time { return r.begin.Add(time.Since(r.began)) }

// logger tells the test what a runtime tells operators.
type logger struct{ r *Runtime }

func (l logger) Write(line []byte) (int, error) {
	if !l.r.over.Load() {
		l.r.t.Logf("%s", strings.TrimSpace(string(line)))
	}
	return len(line), nil
}
