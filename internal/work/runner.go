// Package work keeps work that must not be lost, such as what failed and is
// tried again, timers, schedules, messages and workflows, as records of the
// store, and runs each piece when it is due.
package work

import (
	"context"
	"log/slog"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Space is where items are kept.
const Space = "work"

// Config is what a Runner needs. Zero numbers take the defaults named.
type Config struct {
	Store  store.Store // that is a store.Keeper
	Group  func(store.Partition) *commit.Group
	Now    func() time.Time
	NewRev func() store.ID
	Log    *slog.Logger

	// Run does the work of an item that is due: it is called in a goroutine of
	// its own, never twice at a time for one item, and must end soon after ctx
	// does. It returns what becomes of the item.
	Run func(ctx context.Context, item Item) Verdict

	// Parallel bounds the runs of one action at a time. Defaults to 64.
	Parallel int
	// Poll bounds how long a change of the clock goes unnoticed. Defaults to
	// one second.
	Poll time.Duration
}

// Verdict says what becomes of an item after a run. It gets the item as it is
// in the store now, which someone may have changed or replaced (another Base)
// while it ran, and is called again where the store says that it changed once
// more. It returns the item to write, or nil to delete it, and what else to
// change in the same batch. A nil Verdict leaves the item as it is: it is run
// again when the runtime starts next.
type Verdict func(now Item) (next *Item, more []store.Change)

// Runner runs the items of all partitions.
type Runner struct{ cfg Config }

// New makes a Runner.
func New(cfg Config) *Runner { return &Runner{cfg: cfg} }

// Start begins to run what is due in a partition, until ctx ends.
func (r *Runner) Run(ctx context.Context) { panic("todo") }

// Create writes an item that is new. Where one of that ID exists, nothing
// changes and it is returned with false.
func (r *Runner) Create(ctx context.Context, item Item, more ...store.Change) (Item, bool, error) {
	panic("todo")
}

// Update changes an item: change gets it as it is and returns what it shall
// be, or nil to delete it; it may be called several times. ErrNotFound if it
// does not exist.
func (r *Runner) Update(ctx context.Context, p store.Partition, id string, change func(Item) (*Item, []store.Change, error)) (Item, error) {
	panic("todo")
}

// Get finds an item.
func (r *Runner) Get(ctx context.Context, p store.Partition, id string) (Item, bool, error) {
	panic("todo")
}

// List is up to max items of a partition whose ID begins with prefix and is
// above after, in the order of IDs.
func (r *Runner) List(ctx context.Context, p store.Partition, prefix, after string, max int) ([]Item, error) {
	panic("todo")
}

// Change is the change of a record that writes an item, for a batch that
// someone else commits; Wake has to be called after it was.
func (r *Runner) Change(item Item) store.Change { panic("todo") }

// Wake tells that an item that is due at the given time was written.
func (r *Runner) Wake(p store.Partition, due time.Time) { panic("todo") }

// Wait waits until an item is finished or gone, and returns what was last seen
// of it.
func (r *Runner) Wait(ctx context.Context, p store.Partition, id string) (Item, bool, error) {
	panic("todo")
}
