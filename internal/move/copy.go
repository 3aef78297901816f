package move

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/store"
)

// CopyConfig says what to copy.
type CopyConfig struct {
	From, To Store
	IDs      *id.Source
	Pace
}

// Copied is what a copy did.
type Copied struct {
	Events  int64 `json:"events"` // that were not there yet
	Results int64 `json:"results"`
	Records int64 `json:"records"`
	Marks   int64 `json:"marks"`
	// Guards are entities of which an action has done more than its mark tells,
	// since partitions were joined.
	Guards int64 `json:"guards"`
	// Verified is the comparison of both stores.
	Verified Verified `json:"verified"`
}

// Copy brings all that a store keeps to another one, which is empty or was
// filled by an earlier Copy from the same store and not worked on since: events
// in order, results of commands, records and marks. So a runtime on the copy
// goes on where the one on the source ended: no action gets an event again that
// it has done, what is parked, waits or is due is so still, and a command that
// is repeated gets its first reply. Views are made anew from the log, as the
// copy has an identity of its own.
//
// At the end both are compared. A Copy that was broken off, or failed, is gone
// on with by another one; until it has ended well, no runtime takes the store.
func Copy(ctx context.Context, c CopyConfig) (Copied, error) {
	k := &copier{CopyConfig: c, to: appender{c.To}}
	if err := k.run(ctx); err != nil {
		return k.did, fmt.Errorf("copy: %w", err)
	}
	return k.did, nil
}

type copier struct {
	CopyConfig
	to    appender
	state copyState
	did   Copied
	// Counted by several goroutines, for did.
	moved, guarded atomic.Int64
}

// steps are the phases of a copy: events, results, records, marks, verify.
const steps = 5

// meter is that of the next phase.
func (k *copier) meter(phase, unit string, done, total int64) *meter {
	k.step++
	return k.Pace.meter(phase, unit, done, total)
}

func (k *copier) run(ctx context.Context) error {
	k.steps = steps
	if err := k.begin(ctx); err != nil {
		return err
	}
	heads, err := k.events(ctx)
	if err != nil {
		return err
	}
	again := k.state.Kept
	k.state.Kept = true
	if err := k.save(ctx); err != nil {
		return err
	}
	if err := k.results(ctx); err != nil {
		return err
	}
	if err := k.records(ctx, again); err != nil {
		return err
	}
	if err := k.marks(ctx); err != nil {
		return err
	}
	if err := k.unmoved(ctx, heads); err != nil {
		return err
	}
	k.step++
	if k.did.Verified, err = Verify(ctx, VerifyConfig{A: k.From, B: k.To, Pace: k.Pace}); err != nil {
		return err
	}
	k.state.Done = true
	return k.save(ctx)
}

func (k *copier) save(ctx context.Context) error {
	return save(ctx, k.To, k.IDs.New(), copyKey, &k.state)
}

var (
	errSelf  = errors.New("both are the same store: name two")
	errMoved = errors.New("the source was written to meanwhile: stop the program that works on it, and copy again")
)

// begin finds out whether the copy may begin, or goes on.
func (k *copier) begin(ctx context.Context) error {
	source := k.From.Identity()
	if source == k.To.Identity() {
		return errSelf
	}
	if err := errors.Join(unserved(ctx, k.From), unserved(ctx, k.To)); err != nil {
		return err
	}
	if err := whole(ctx, k.From); err != nil {
		return fmt.Errorf("look at the source: %w", err)
	}
	found, err := load(ctx, k.To, copyKey, &k.state)
	if err != nil {
		return err
	}
	if found && k.state.From != source {
		return fmt.Errorf("%w (it is a copy of the store %v, and %v is to be copied)", ErrOccupied, k.state.From, source)
	}
	if !found {
		if err := empty(ctx, k.To); err != nil {
			return err
		}
	}
	k.state.From, k.state.Done = source, false
	return k.save(ctx)
}

// unserved refuses a store that a node of a cluster works on.
func unserved(ctx context.Context, s store.Store) error {
	leases, ok := s.(store.Leases)
	if !ok {
		return nil
	}
	nodes, err := leases.Nodes(ctx)
	for _, n := range nodes {
		if n.Left > 0 {
			return fmt.Errorf("the node %s works on a store that is to be copied or filled: stop all nodes of the cluster, and copy again once their leases have ended", n.Name)
		}
	}
	return err
}

// empty refuses a store that holds something.
func empty(ctx context.Context, s Store) error {
	for p := range store.Partition(s.Partitions()) {
		head, err := s.Head(ctx, p)
		if err != nil {
			return err
		}
		spaces, err := s.Spaces(ctx, p)
		if err != nil {
			return err
		}
		marks, err := s.Marks(ctx, p, "", 1)
		if err != nil {
			return err
		}
		if head > 0 || len(spaces) > 0 || len(marks) > 0 {
			return ErrOccupied
		}
	}
	results, err := s.Results(ctx, store.KeptResult{}, 1)
	if err == nil && len(results) > 0 {
		err = ErrOccupied
	}
	return err
}

// chunkEvents is how many events are handled at a time.
const chunkEvents = 8192

// events copies the log, and returns where it ended.
func (k *copier) events(ctx context.Context) ([]store.Position, error) {
	r, err := read(ctx, k.From, k.state.At)
	if err != nil {
		return nil, err
	}
	m := k.meter("events", "events", r.done(), r.total())
	for {
		chunk, err := r.take(ctx, k.portion())
		if err != nil || len(chunk) == 0 {
			return r.upTo, err
		}
		added, err := k.to.put(ctx, chunk)
		k.did.Events += int64(added)
		if err != nil {
			return nil, err
		}
		k.state.At = r.at
		if err := k.save(ctx); err != nil {
			return nil, err
		}
		if err := m.at(ctx, r.done(), len(chunk)); err != nil {
			return nil, err
		}
	}
}

// unmoved looks whether the source has the heads that it had, and no node works on
// it.
func (k *copier) unmoved(ctx context.Context, heads []store.Position) error {
	if err := unserved(ctx, k.From); err != nil {
		return err
	}
	for p, want := range heads {
		head, err := k.From.Head(ctx, store.Partition(p))
		if err == nil && head != want {
			err = errMoved
		}
		if err != nil {
			return err
		}
	}
	return nil
}
