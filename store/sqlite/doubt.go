package sqlite

import (
	"fmt"

	"github.com/talix-dev/talix/store"
)

// doubt is the state of a store after a commit of which nobody knows whether
// it is on the disk. Reading on would be wrong too: it would say that a
// command never ran which is found when the store is opened anew.
type doubt struct {
	err  error
	keys map[store.ID]bool // of the batches that may be stored
}

// suspend makes the store refuse everything.
func (s *Store) suspend(batches []store.Batch, outcomes []store.Outcome, cause error) {
	_ = s.writer.undo()
	d := &doubt{
		err:  fmt.Errorf("the store has stopped because a write failed, close it and open it anew once the disk is well: %w", cause),
		keys: make(map[store.ID]bool, len(batches)),
	}
	for i := range batches {
		d.keys[batches[i].Key] = true
		outcomes[i] = store.Outcome{Status: store.Unknown, Err: d.err}
	}
	s.broken.Store(d)
}

// refuse answers batches that came after: what may be a repeat stays Unknown.
func (d *doubt) refuse(batches []store.Batch, outcomes []store.Outcome) {
	for i := range batches {
		outcomes[i] = store.Outcome{Status: store.Failed, Err: d.err}
		if batches[i].Key.IsZero() || d.keys[batches[i].Key] {
			outcomes[i].Status = store.Unknown
		}
	}
}
