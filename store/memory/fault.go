package memory

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix/store"
)

// ErrInjected is the error of injected faults that name no other.
var ErrInjected = errors.New("injected fault")

// Kind says how a Commit goes wrong.
type Kind uint8

// The ways in which a Commit can go wrong. They hit all batches of the call.
const (
	// None: nothing goes wrong.
	None Kind = iota
	// Fail: nothing is written and every batch ends as Failed.
	Fail
	// UnknownWritten: the batches are judged and written as ever, but every
	// one ends as Unknown.
	UnknownWritten
	// UnknownLost: nothing is written, and every batch ends as Unknown.
	UnknownLost
	// UnknownLate: every batch ends as Unknown and nothing can be read of them
	// at first; when the next Commit for the partition comes, they are judged
	// and written before it, like a request that was long under way.
	UnknownLate
)

// Fault is one injected fault, for tests of what stands above a store.
type Fault struct {
	Kind Kind
	// Delay is how long the call waits before it does anything. If ctx ends
	// before, the batches end as Failed.
	Delay time.Duration
	// Err of the outcomes. Defaults to ErrInjected.
	Err error
}

func (s *Store) fault(p store.Partition, batches []store.Batch) Fault {
	if s.config.Fault == nil {
		return Fault{}
	}
	f := s.config.Fault(p, batches)
	if f.Err == nil {
		f.Err = ErrInjected
	}
	return f
}

// wait waits for the delay of the fault, or until ctx ends.
func (f Fault) wait(ctx context.Context) error {
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// all is the same outcome for every batch.
func all(batches []store.Batch, o store.Outcome) []store.Outcome {
	out := make([]store.Outcome, len(batches))
	for i := range out {
		out[i] = o
	}
	return out
}
