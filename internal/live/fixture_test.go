package live_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix/internal/live"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/table"
)

// list is a table in memory: rows in their order.
type list struct {
	name string

	mu   sync.Mutex
	rows []live.Row
	fail error
	runs atomic.Int64
	// during is called once, after the rows were read and before they are told.
	during func()
}

var _ live.Source = (*list)(nil)

func newList(keys ...string) *list {
	l := &list{name: "list"}
	for _, k := range keys {
		l.put(len(l.rows), k, 0)
	}
	return l
}

func (l *list) ID() string       { return l.name }
func (l *list) Tables() []string { return []string{"Things"} }

func (l *list) Rows(context.Context) ([]live.Row, error) {
	l.runs.Add(1)
	l.mu.Lock()
	rows, fail, during := slices.Clone(l.rows), l.fail, l.during
	l.during = nil
	l.mu.Unlock()
	if during != nil {
		during()
	}
	return rows, fail
}

func (*list) Decode(r live.Row) (*registry.LiveRow, error) {
	text := fmt.Sprintf("%s=%d", r.Key, r.Values[0].Int())
	return &registry.LiveRow{Key: r.Key, Value: &text}, nil
}

func (l *list) put(at int, key string, value int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows = slices.Insert(l.rows, at, live.Row{Key: key, Values: []table.Value{table.IntValue(int64(value))}})
}

func (l *list) set(rows []live.Row, fail error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows, l.fail = rows, fail
}

// texts are the rows as watchers see them.
func (l *list) texts() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []string
	for _, r := range l.rows {
		all = append(all, fmt.Sprintf("%s=%d", r.Key, r.Values[0].Int()))
	}
	return all
}

func hub(t *testing.T, cfg live.Config) *live.Hub {
	t.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	h := live.New(cfg)
	t.Cleanup(h.Close)
	return h
}

// watcher applies changes as strictly as can be: a change that does not fit is
// one that was missed, or came twice.
type watcher struct {
	keys, rows []string
	id         string
	resets     int
	changes    int
	err        error // what did not fit
}

func (w *watcher) apply(c registry.Change) {
	if c.Kind == registry.Beat {
		return
	}
	w.follow(c)
	switch c.Kind {
	case registry.Present:
		w.resets++
		w.keys, w.rows = nil, nil
		for _, r := range c.Rows {
			w.keys, w.rows = append(w.keys, r.Key), append(w.rows, *r.Value.(*string))
		}
	case registry.Insert:
		w.insert(c)
	case registry.Update:
		w.update(c)
	case registry.Delete:
		at := slices.Index(w.keys, c.Row.Key)
		if at < 0 {
			w.fail("delete %s, which is not there", c.Row.Key)
			return
		}
		w.keys, w.rows = slices.Delete(w.keys, at, at+1), slices.Delete(w.rows, at, at+1)
	}
}

// follow holds the number of a change against that of the last one.
func (w *watcher) follow(c registry.Change) {
	name, number, _ := strings.Cut(c.ID, "-")
	before, last, known := strings.Cut(w.id, "-")
	n, err := strconv.Atoi(number)
	l, _ := strconv.Atoi(last)
	if err != nil || known && c.Kind != registry.Present && (name != before || n != l+1) {
		w.fail("change %s follows %s", c.ID, w.id)
	}
	w.id = c.ID
	w.changes++
}

func (w *watcher) insert(c registry.Change) {
	if slices.Contains(w.keys, c.Row.Key) || c.At > len(w.keys) {
		w.fail("insert %s at %d into %v", c.Row.Key, c.At, w.keys)
		return
	}
	w.keys, w.rows = slices.Insert(w.keys, c.At, c.Row.Key), slices.Insert(w.rows, c.At, *c.Row.Value.(*string))
}

func (w *watcher) update(c registry.Change) {
	if c.At >= len(w.keys) || w.keys[c.At] != c.Row.Key {
		w.fail("update %s at %d in %v", c.Row.Key, c.At, w.keys)
		return
	}
	w.rows[c.At] = *c.Row.Value.(*string)
}

func (w *watcher) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// until applies changes until done holds, and returns what ended it before.
func (w *watcher) until(changes iter.Seq2[registry.Change, error], done func() bool) error {
	for c, err := range changes {
		if err != nil {
			return err
		}
		if w.apply(c); w.err != nil || done() {
			return w.err
		}
	}
	return errors.New("the changes ended")
}

func code(err error) registry.Code {
	f, ok := errors.AsType[*registry.Fault](err)
	if !ok {
		return ""
	}
	return f.Code
}
