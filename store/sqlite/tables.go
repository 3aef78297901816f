package sqlite

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

var _ table.Store = (*Tables)(nil)

// TablesConfig says where view tables live. The zero value keeps them in a
// temporary folder.
type TablesConfig struct {
	// Dir is the folder; it is made if it is missing. Defaults to a temporary
	// one, which Close removes.
	Dir string
	// Readers is how many queries run at the same time before others wait.
	// Defaults to twice the number of processors, at least 4.
	Readers int
	// Log is told when a damaged views.db was set aside. Defaults to nowhere.
	Log *slog.Logger
}

func (c TablesConfig) withDefaults() TablesConfig {
	if c.Readers <= 0 {
		c.Readers = max(4, 2*runtime.GOMAXPROCS(0))
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// patience is how long a query waits for a connection before it gets one of
// its own: a query inside another one's loop must not wait for ever.
const patience = 100 * time.Millisecond

// Tables holds view tables in views.db. What it holds can be derived from the
// log again, so its commits are not synced one by one: power loss may cost the
// last of them, whole and with their marks.
type Tables struct {
	gate    *gate
	layout  layout
	path    string
	lock    *lock
	scrap   string // the folder to remove on Close
	writer  *viewWriter
	readers *pool
	scratch scratch
	buffers sync.Pool // of *[]table.Value
}

// OpenTables opens the view tables in a folder, or makes them. It fails with
// store.ErrLocked if another process has them and store.ErrForeign if views.db
// is of another program or a newer release. A damaged views.db is renamed, and
// an empty one takes its place.
func OpenTables(ctx context.Context, config TablesConfig) (*Tables, error) {
	config = config.withDefaults()
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open view tables: %w", err)
	}
	scrap := ""
	if config.Dir == "" {
		dir, err := os.MkdirTemp("", "talix-views-")
		if err != nil {
			return nil, fmt.Errorf("make temporary folder: %w", err)
		}
		config.Dir, scrap = dir, dir
	}
	t, err := openTables(config, scrap)
	if err != nil && scrap != "" {
		os.RemoveAll(scrap)
	}
	return t, err
}

func openTables(config TablesConfig, scrap string) (*Tables, error) {
	l := viewsLayout()
	lock, err := claimViews(l, config)
	if err != nil {
		return nil, err
	}
	path := l.path(config.Dir)
	w, err := openViewWriter(l, path, scrap != "")
	if err != nil {
		lock.Close()
		return nil, err
	}
	t := &Tables{gate: newGate(), layout: l, path: path, lock: lock, scrap: scrap, writer: w}
	t.readers = newPool(config.Readers, func() (*reader, error) { return openQueryReader(path) })
	t.readers.patience = patience
	return t, nil
}

// Mark implements table.Store.
func (t *Tables) Mark(ctx context.Context, view string, partition int) (at int64, err error) {
	err = t.read(ctx, func(r *reader) error {
		stmt, err := r.prepare("SELECT position FROM _talix_marks WHERE view = ? AND partition = ?")
		if err != nil {
			return err
		}
		stmt.BindText(1, view)
		stmt.BindInt64(2, int64(partition))
		_, err = lookup(stmt, func(row *sqlite.Stmt) { at = row.ColumnInt64(0) })
		return err
	})
	return at, t.explain("read mark of "+view, err)
}

// read runs fn with a reader.
func (t *Tables) read(ctx context.Context, fn func(*reader) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := t.gate.enter(); err != nil {
		return err
	}
	defer t.gate.leave()
	r, err := t.readers.get(ctx)
	if err != nil {
		return err
	}
	defer t.readers.put(r)
	return fn(r)
}

// explain wraps an error, and notes damage for the next OpenTables.
func (t *Tables) explain(doing string, err error) error {
	if err == nil {
		return nil
	}
	if isDamage(err) {
		_ = os.WriteFile(damageNote(t.path), nil, 0o644)
	}
	return explain(doing, t.layout, err)
}

// Close implements table.Store. It waits for loops over Query as well.
func (t *Tables) Close() error {
	if !t.gate.close() {
		return nil
	}
	t.readers.close()
	t.scratch.close()
	err := firstOf(t.writer.close(), t.lock.Close())
	if t.scrap != "" {
		err = firstOf(err, os.RemoveAll(t.scrap))
	}
	if err != nil {
		return fmt.Errorf("close view tables: %w", err)
	}
	return nil
}
