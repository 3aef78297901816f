package live

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// feed is one query with its input, shared by all who watch it.
type feed struct {
	hub    *Hub
	id     string
	name   string // new for each feed, so that no one resumes another's
	source Source
	tables map[string]bool // nil: all
	wake   chan struct{}   // there may be something to do
	cancel context.CancelFunc

	mu      sync.Mutex
	readers int
	idle    time.Time // since when there are no readers
	asked   uint64    // how often the query had to be run
	ran     uint64    // the value of asked at the begin of its last run
	rows    []*entry
	kept    []numbered // the last changes, without a gap
	bytes   int        // of them, about
	last    uint64     // the number of the last change
	news    chan struct{}
	ended   error

	// Of the loop alone.
	tries int           // that have failed since the last run
	since time.Time     // the end of the last run; zero before the first
	cost  time.Duration // of the last run
}

// entry is a present row.
type entry struct {
	Row
	shown *registry.LiveRow
}

// numbered is a change and about how much it holds.
type numbered struct {
	registry.Change
	size int
}

func newFeed(h *Hub, id string, source Source, cancel context.CancelFunc) *feed {
	f := &feed{
		hub: h, id: id, name: h.cfg.NewID(), source: source, cancel: cancel,
		wake: make(chan struct{}, 1), news: make(chan struct{}), asked: 1,
	}
	if tables := source.Tables(); tables != nil {
		f.tables = map[string]bool{}
		for _, t := range tables {
			f.tables[strings.ToLower(t)] = true
		}
	}
	return f
}

func (f *feed) reads(table string) bool { return f.tables == nil || f.tables[table] }

// touch asks for a run of the query.
func (f *feed) touch() {
	f.mu.Lock()
	f.asked++
	f.mu.Unlock()
	f.signal()
}

func (f *feed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

func (f *feed) enter() {
	f.mu.Lock()
	f.readers++
	f.mu.Unlock()
	f.signal()
}

func (f *feed) exit() {
	f.mu.Lock()
	f.readers--
	f.idle = time.Now()
	f.mu.Unlock()
	f.signal()
}

func (f *feed) hasReaders() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.readers > 0
}

// end tells readers why there is nothing more.
func (f *feed) end(why error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended = why
	f.tell()
}

// tell wakes readers. The feed is locked.
func (f *feed) tell() {
	close(f.news)
	f.news = make(chan struct{})
}

// run asks the database whenever there is reason to, until ctx ends, the feed
// has failed, or no one has read it for a while.
func (f *feed) run(ctx context.Context) {
	for f.await(ctx) {
		if !f.rest(ctx) || !f.hub.turn(ctx) {
			return
		}
		started := time.Now()
		err := f.refresh(ctx)
		f.since = time.Now()
		f.cost = f.since.Sub(started)
		<-f.hub.turns
		if err != nil && ctx.Err() == nil && f.failed(err) {
			f.hub.end(f, err)
			return
		}
	}
}

// await waits until the query has to be run, and tells whether it has to be.
// While no one reads, changes wait too.
func (f *feed) await(ctx context.Context) bool {
	for {
		due, read, left := f.due()
		if due {
			return true
		}
		if !read && left <= 0 && f.hub.retire(f) {
			return false
		}
		timer := time.NewTimer(left)
		select {
		case <-f.wake:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// due tells whether the query has to be run now, whether the feed is read, and
// for how long it stays.
func (f *feed) due() (due, read bool, left time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.readers > 0 {
		return f.asked != f.ran, true, time.Hour
	}
	return false, false, f.hub.cfg.Linger - time.Since(f.idle)
}

// rest leaves the database to others for a while after the last run; longer
// after a failure.
func (f *feed) rest(ctx context.Context) bool {
	if f.since.IsZero() {
		return ctx.Err() == nil
	}
	d := max(f.hub.cfg.Gather, 4*f.cost)
	if f.tries > 0 {
		d = max(d, 50*time.Millisecond<<f.tries)
	}
	return pause(ctx, d-time.Since(f.since))
}

// failed notes a failure, and tells whether it is the last one.
func (f *feed) failed(err error) bool {
	f.tries++
	f.hub.cfg.Log.Warn("a live query failed", "query", f.id, "try", f.tries, "error", err)
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ran == 0 || f.tries >= f.hub.cfg.Tries
}

// refresh runs the query and publishes what differs. Only the loop changes the
// rows, so it may read them without the lock.
func (f *feed) refresh(ctx context.Context) error {
	f.mu.Lock()
	asked := f.asked
	f.mu.Unlock()
	found, err := f.source.Rows(ctx)
	if err != nil {
		return err
	}
	rows, changes, err := f.compare(found)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	first := f.ran == 0
	f.ran, f.rows, f.tries = asked, rows, 0
	if !first {
		f.keep(changes)
	}
	f.tell()
	return nil
}

// keep numbers changes and drops the oldest ones. The feed is locked.
func (f *feed) keep(changes []numbered) {
	for _, c := range changes {
		f.last++
		c.ID = f.at(f.last)
		f.kept = append(f.kept, c)
		f.bytes += c.size
	}
	drop := 0
	for older := len(f.kept) - len(changes); drop < older && (len(f.kept)-drop > f.hub.cfg.Keep || f.bytes > f.hub.cfg.KeepBytes); drop++ {
		f.bytes -= f.kept[drop].size
	}
	clear(f.kept[:drop])
	f.kept = f.kept[drop:] // append moves the rest when it grows
}

// at names the state after a change.
func (f *feed) at(number uint64) string { return fmt.Sprintf("%s-%d", f.name, number) }

// number is that of the change after which a caller comes back, and whether
// those that follow are known.
func (f *feed) number(resume string) (uint64, bool) {
	name, text, _ := strings.Cut(resume, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	known := err == nil && f.ran > 0 && name == f.name && n <= f.last && n >= f.last-uint64(len(f.kept))
	return n, known
}

// present are all rows as one change. The feed is locked.
func (f *feed) present() registry.Change {
	c := registry.Change{Kind: registry.Present, ID: f.at(f.last)}
	for _, e := range f.rows {
		c.Rows = append(c.Rows, e.shown)
	}
	return c
}
