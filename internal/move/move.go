// Package move moves data between stores, over the store port alone: it copies
// a store with all that it keeps, exports events to lines of JSON and imports
// them, and compares two stores. Stores may differ in their driver and in their
// number of partitions. Everything can be broken off and gone on with.
//
// No program may work on the stores meanwhile.
package move

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

// Store is what can be moved from and to.
type Store interface {
	store.Store
	store.Keeper
	store.Lister
}

// AsStore tells whether a store can be moved.
func AsStore(s store.Store) (Store, error) {
	if all, ok := s.(Store); ok {
		return all, nil
	}
	return nil, fmt.Errorf("move: the store %T does not list what it keeps: use a driver that is a store.Keeper and a store.Lister", s)
}

// Progress tells how far something is.
type Progress struct {
	// Phase is what is being done: events, results, records, marks, verify.
	Phase string
	// Done and Total count in Unit; a Total of zero is not known.
	Done, Total int64
	Unit        string // of Done and Total, as in events or bytes
	// Step is the number of the phase, from 1, and Steps how many there are; zero:
	// there is one.
	Step, Steps int
}

// Pace is how fast something goes, and who hears of it.
type Pace struct {
	// Rate bounds the events of a second. Defaults to no bound.
	Rate int
	// Chunk bounds the events that are moved at a time, and so what is done anew
	// when something is gone on with. Defaults to 8,192.
	Chunk int
	// Progress, if set, is told now and then, from one goroutine.
	Progress func(Progress)

	step, steps int // of what is told
}

// meter counts what is done, tells of it, and waits where that was too fast.
type meter struct {
	Pace
	now   Progress
	began time.Time
	moved int64 // events since began
}

func (p Pace) meter(phase, unit string, done, total int64) *meter {
	m := &meter{Pace: p, now: Progress{Phase: phase, Done: done, Total: total, Unit: unit, Step: p.step, Steps: p.steps}, began: time.Now()}
	m.tell()
	return m
}

func (m *meter) tell() {
	if m.Progress != nil {
		m.Progress(m.now)
	}
}

// at tells that so many units are done, and that as many events were moved
// since the last call.
func (m *meter) at(ctx context.Context, done int64, events int) error {
	m.now.Done = done
	if m.now.Total > 0 {
		m.now.Total = max(m.now.Total, done)
	}
	m.tell()
	m.moved += int64(events)
	if m.Rate <= 0 {
		return ctx.Err()
	}
	due := m.began.Add(time.Duration(float64(m.moved) / float64(m.Rate) * float64(time.Second)))
	return wait(ctx, time.Until(due))
}

// portion is how many events are moved at a time: with a bound of the rate,
// fewer, so that waiting is even.
func (p Pace) portion() int {
	most := cmp.Or(p.Chunk, chunkEvents)
	if p.Rate <= 0 {
		return most
	}
	return max(1, min(most, p.Rate/4))
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Errors that callers tell apart.
var (
	// ErrDifferent: the two sides do not hold the same; a *Difference says where.
	ErrDifferent = errors.New("they are not the same")
	// ErrUnfinished: a store is a copy that was not finished.
	ErrUnfinished = errors.New("this store is a copy that was not finished: go on with talix copy, from the same store")
	// ErrOccupied: the store that is to be filled holds other data.
	ErrOccupied = errors.New("the store that is to be filled holds other data: name an empty one")
)

// Difference is the first place at which two sides differ.
type Difference struct {
	Stream  store.Stream
	Version store.Version
	What    string // as in "its data"
}

func (d *Difference) Error() string {
	return fmt.Sprintf("%s differs at version %d: %s", d.Stream, d.Version, d.What)
}

// Unwrap is ErrDifferent.
func (d *Difference) Unwrap() error { return ErrDifferent }
