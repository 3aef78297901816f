package talixtest

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/talix-dev/talix"
)

// watcher is the plugin that knows what runs, and what ran.
type watcher struct {
	mu      sync.Mutex
	under   map[string]int // handlers that run, by name
	rest    chan struct{}  // closed once none does; of the bubble
	reports []talix.Report
}

var (
	_ talix.Reporter    = (*watcher)(nil)
	_ talix.Interceptor = (*watcher)(nil)
)

func newWatcher() *watcher { return &watcher{under: map[string]int{}} }

func (w *watcher) Name() string { return "talixtest" }

func (w *watcher) Report(_ context.Context, r talix.Report) {
	if strings.HasSuffix(r.Name, givenSuffix) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.reports = append(w.reports, r)
}

func (w *watcher) Intercept(ctx context.Context, op talix.Operation, next func(context.Context) error) error {
	w.count(op.Name, 1)
	defer w.count(op.Name, -1)
	return next(ctx)
}

func (w *watcher) count(name string, n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.under[name] += n; w.under[name] == 0 {
		delete(w.under, name)
	}
	if len(w.under) == 0 && w.rest != nil {
		close(w.rest)
		w.rest = nil
	}
}

// running names the handlers that run, and is closed when none does.
func (w *watcher) running() ([]string, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rest == nil {
		w.rest = make(chan struct{})
	}
	return slices.Sorted(maps.Keys(w.under)), w.rest
}

func (w *watcher) all() []talix.Report {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.reports)
}
