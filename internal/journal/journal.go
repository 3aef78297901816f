// Package journal remembers what an action has done: the results of its steps,
// so that a later run of the same action skips what was done before.
//
// A run asks for its steps in some order; the journal knows each by its path:
// the how manieth of its branch it is. A run that asks for another step under a
// path than the journal has was changed since, and must not go on.
package journal

import (
	"context"
	"errors"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Space is where entries are kept: the key is the journal's id, a slash and the
// path.
const Space = "step"

// Config is what a Journal needs.
type Config struct {
	Store     store.Store // that is a store.Keeper
	Group     *commit.Group
	Partition store.Partition
	NewRev    func() store.ID
	// ID names the journal within its partition; it has no slash at its end.
	ID string
	// Fresh tells that it is certain that the journal is empty.
	Fresh bool
}

// ErrChanged: the run asks for other steps than the journal has.
var ErrChanged = errors.New("the action was changed while this was under way")

// Entry is what is known of one step.
type Entry struct {
	Path string `json:"-"`    // as in 0003 or 0003.0001.0002
	Kind string `json:"kind"` // step, run, sleep, await, all, undo
	Name string `json:"name"`
	Data []byte `json:"data,omitempty"` // the result
	// Error is the failure that is the result, as the caller wrote it.
	Error []byte `json:"error,omitempty"`
}

// Journal is the journal of one run. Branches of it may be used at the same
// time from several goroutines.
type Journal struct{ cfg Config }

// New makes a Journal. Nothing is read before the first step is asked for.
func New(cfg Config) *Journal { return &Journal{cfg: cfg} }

// Root is the branch that a run begins with.
func (j *Journal) Root() *Branch { panic("todo") }

// Note adds an entry that is written with the next one that is, or by Changes:
// it can be found out again otherwise, at a cost.
//
// (Branch.Note)

// Changes are the entries that were noted and are not in the store, to be
// written with a batch of the caller's; Kept tells that it was durable.
func (j *Journal) Changes() []store.Change { panic("todo") }

// Kept tells that what Changes returned last is durable.
func (j *Journal) Kept() { panic("todo") }

// Missed is an error that wraps ErrChanged and names the step if the journal
// has entries that the run, which has come to its end, did not ask for.
func (j *Journal) Missed() error { panic("todo") }

// Entries are what the journal has, in the order of paths, for people to see.
func (j *Journal) Entries(ctx context.Context) ([]Entry, error) { panic("todo") }

// Forget is the change that deletes a journal.
func Forget(id string) store.Change { panic("todo") }

// Branch is a line of steps, one after another.
type Branch struct{}

// Find takes the branch's next path for a step and tells what the journal has
// under it; Found false: the step is to be done now and then given to Keep or
// Note. An error wraps ErrChanged, or is the store's.
func (b *Branch) Find(ctx context.Context, kind, name string) (Step, error) { panic("todo") }

// Fork takes the branch's next path for branches that go on side by side, one
// for each name.
func (b *Branch) Fork(ctx context.Context, name string, names []string) ([]*Branch, error) {
	panic("todo")
}

// Step is a step of a branch.
type Step struct {
	Entry
	Found bool
}

// Keep makes the step's result durable, and with it all that was noted before.
func (j *Journal) Keep(ctx context.Context, s Step, more ...store.Change) error { panic("todo") }

// Note remembers the step's result without making it durable yet.
func (j *Journal) Note(s Step) { panic("todo") }
