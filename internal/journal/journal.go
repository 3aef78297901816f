// Package journal remembers what an action has done: the results of its steps,
// so that a later run of the same action skips what was done before.
//
// A run asks for its steps in some order; the journal knows each by its path:
// the how manieth of its branch it is. A run that asks for another step under a
// path than the journal has was changed since, and must not go on.
//
// It rests on this: each step that was asked for and not found is given to Keep
// or Note before its branch, or the branch that it was forked from, asks for
// the next one, unless the run ends there. Then what the store has of a branch
// is without gaps, wherever a run was cut off.
package journal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Space is where entries are kept: the key is the journal's id, a slash and the
// path.
const Space = "step"

// Config is what a Journal needs. Zero numbers take the defaults named.
type Config struct {
	Store     store.Store // that is a store.Keeper
	Group     *commit.Group
	Partition store.Partition
	NewRev    func() store.ID
	// ID names the journal within its partition. It has no slash at its end,
	// and is not that of another journal with a slash and more behind it.
	ID string
	// Fresh tells that the journal is empty, so that it need not be read. Where
	// it is not, that is found out by the first step that is kept.
	Fresh bool
	// Keep, if set, is how long after it was written an entry is due, so that
	// what was orphaned can be found by that; Now is needed for it.
	Keep time.Duration
	Now  func() time.Time
	// Max is how large a result may be, in bytes. Defaults to 16 MiB.
	Max int
	// Patience is how long a store that fails is tried with a result: what led
	// to it would have to be done again. Defaults to 30 seconds.
	Patience time.Duration
}

// Errors that callers tell apart.
var (
	// ErrChanged: the run asks for other steps than the journal has.
	ErrChanged = errors.New("the action was changed while this was under way")
	// ErrTooLarge: the result is larger than a journal takes; trying again is
	// of no use.
	ErrTooLarge = errors.New("the result is too large for a journal: store it elsewhere, such as in a file storage, and return its key")
	// ErrRaced: another run of the same was faster, and came to other results;
	// this one must end, and may begin anew.
	ErrRaced = errors.New("another run of the same action is under way")
	// ErrConflict: the changes that were to be made with a step expect other
	// revisions of their records than the store has.
	ErrConflict = errors.New("the changes that go with the step conflict with what is stored")
)

// Entry is what is known of one step.
type Entry struct {
	Path string // as in 0003 or 0003.0001.0002
	Kind string // step, run, sleep, await, all, undo
	Name string
	Data []byte // the result
	// Error is the failure that is the result, as the caller wrote it.
	Error []byte
}

// Step is a step of a branch.
type Step struct {
	Entry
	Found bool
}

// Journal is the journal of one run. Branches of it may be used at the same
// time from several goroutines.
type Journal struct {
	cfg    Config
	keeper store.Keeper
	flush  chan struct{} // holds one while notes are written

	mu     sync.Mutex
	loaded bool
	stored map[string]entry // what the store has, as far as it was read
	paths  []string         // of stored, in order
	asked  map[string]bool
	notes  []entry // not in the store yet, in the order of Note
	// offered are the paths of the notes that Changes returned last.
	offered map[string]bool
}

// entry is an Entry with its record's revision.
type entry struct {
	Entry
	rev store.ID
}

// New makes a Journal. Nothing is read before the first step is asked for.
func New(cfg Config) *Journal {
	cfg.Max = cmp.Or(max(cfg.Max, 0), 16<<20)
	cfg.Patience = cmp.Or(max(cfg.Patience, 0), 30*time.Second)
	return &Journal{
		cfg: cfg, keeper: cfg.Store.(store.Keeper), loaded: cfg.Fresh,
		flush:  make(chan struct{}, 1),
		stored: map[string]entry{}, asked: map[string]bool{},
	}
}

// Missed is an error that wraps ErrChanged and names the step if the journal
// has entries that the run, which has come to its end, did not ask for. A run
// that asked for nothing has not read the journal, and misses nothing.
func (j *Journal) Missed() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, path := range j.paths {
		if !j.asked[path] {
			return changed("the run came to its end without %s", j.stored[path].Entry)
		}
	}
	return nil
}

// Entries are what the store has of the journal, in the order of paths, for
// people to see.
func (j *Journal) Entries(ctx context.Context) ([]Entry, error) {
	stored, err := j.read(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Entry, 0, len(stored))
	for _, e := range stored {
		out = append(out, e.Entry)
	}
	slices.SortFunc(out, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	return out, nil
}

// Forget is the change that deletes a journal.
func Forget(id string) store.Change {
	return store.Change{Op: store.DeleteUnder, Record: store.Record{Space: Space, Key: id + "/"}}
}

// ready sees to it that the journal was read.
func (j *Journal) ready(ctx context.Context) error {
	if j.isLoaded() { // which it is where there is more than one branch
		return nil
	}
	_, err := j.reload(ctx)
	return err
}

func (j *Journal) isLoaded() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.loaded
}

// reload reads the journal as it is in the store.
func (j *Journal) reload(ctx context.Context) (map[string]entry, error) {
	stored, err := j.read(ctx)
	if err != nil {
		return nil, err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for path, e := range stored { // some may be known that are written since
		j.stored[path] = e
	}
	j.paths = slices.Sorted(maps.Keys(j.stored))
	j.loaded = true
	return stored, nil
}

const pageSize = 128

func (j *Journal) read(ctx context.Context) (map[string]entry, error) {
	prefix, stored := j.cfg.ID+"/", map[string]entry{}
	for after := ""; ; {
		page, err := j.keeper.Records(ctx, j.cfg.Partition, Space, prefix, after, pageSize)
		if err != nil {
			return nil, fmt.Errorf("read journal %q: %w", j.cfg.ID, err)
		}
		for i := range page {
			e, err := decode(page[i].Key[len(prefix):], &page[i])
			if err != nil {
				return nil, fmt.Errorf("read journal %q: %w", j.cfg.ID, err)
			}
			stored[e.Path] = e
		}
		if len(page) < pageSize {
			return stored, nil
		}
		after = page[len(page)-1].Key
	}
}
