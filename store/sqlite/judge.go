package sqlite

import (
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// group is what the transaction under way has done so far.
type group struct {
	position int64 // of the last event written
	dirty    []*head
	dead     map[store.Stream]struct{} // streams of batches that were not durable
	taken    []taken                   // by the batch under judgement
	keys     []byte                    // of the results stored
	oldest   int64                     // time of the oldest of them
}

// taken remembers a head's version, for the case that the batch is refused.
type taken struct {
	head    *head
	version int64
}

func (g *group) reset(position int64) {
	g.position = position
	g.dirty, g.taken, g.keys = g.dirty[:0], g.taken[:0], g.keys[:0]
	clear(g.dead)
}

// judge decides on one batch and writes it if it is to be durable. An error
// ends the whole group.
func (w *writer) judge(b *store.Batch) (store.Outcome, error) {
	w.group.taken = w.group.taken[:0]
	if err := check(b); err != nil {
		w.refuse(b)
		return store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit batch: %w", err)}, nil
	}
	fits, err := w.take(b)
	if err != nil {
		return store.Outcome{}, err
	}
	if !fits {
		w.refuse(b)
		return w.repeat(b, store.Outcome{Status: store.Conflict})
	}
	if stored, err := w.addResult(b); err != nil {
		return store.Outcome{}, err
	} else if !stored {
		w.refuse(b)
		return w.repeat(b, store.Outcome{})
	}
	return w.append(b)
}

// take moves the heads of the batch's streams in memory and tells whether all
// versions, marks and revisions are as expected.
func (w *writer) take(b *store.Batch) (bool, error) {
	for i := range b.Appends {
		a := &b.Appends[i]
		if _, dead := w.group.dead[a.Stream]; dead {
			return false, nil
		}
		h, err := w.headOf(a.Stream, a.Expect == 0 && len(a.Events) > 0)
		if err != nil {
			return false, err
		}
		if h.version != int64(a.Expect) {
			return false, nil
		}
		w.group.taken = append(w.group.taken, taken{h, h.version})
		h.version += int64(len(a.Events))
	}
	if fits, err := w.marksFit(b.Marks); !fits {
		return false, err
	}
	return w.recordsFit(b.Records)
}

// refuse gives the heads back, and makes every later batch of the group that
// builds on this one a conflict.
func (w *writer) refuse(b *store.Batch) {
	for i := len(w.group.taken) - 1; i >= 0; i-- {
		w.group.taken[i].head.version = w.group.taken[i].version
	}
	if w.group.dead == nil {
		w.group.dead = make(map[store.Stream]struct{})
	}
	for i := range b.Appends {
		w.group.dead[b.Appends[i].Stream] = struct{}{}
	}
}

// repeat is the outcome of a refused batch: a duplicate if it is stored.
func (w *writer) repeat(b *store.Batch, otherwise store.Outcome) (store.Outcome, error) {
	result, found, err := w.result(b.Key)
	if err == nil && !found && isFresh(b) {
		result = b.Result
		found, err = w.isStored(b)
	}
	if found {
		return store.Outcome{Status: store.Duplicate, Result: result}, nil
	}
	return otherwise, err
}

// largest is what one event or record may hold; SQLite's rows end at 1,000,000,000.
const largest = 512 << 20

// check finds batches that are malformed in themselves.
func check(b *store.Batch) error {
	for i := range b.Appends {
		if err := checkAppend(b, &b.Appends[i]); err != nil {
			return err
		}
	}
	if len(b.Result) > largest {
		return fmt.Errorf("the result has %d bytes, at most %d are allowed", len(b.Result), largest)
	}
	for i := range b.Marks {
		if b.Marks[i].Consumer == "" {
			return errors.New("a mark names no consumer")
		}
	}
	return checkRecords(b.Records)
}

func checkRecords(changes []store.Change) error {
	for i := range changes {
		if n := len(changes[i].Data); n > largest {
			return fmt.Errorf("the record %.80q has %d bytes, at most %d are allowed", changes[i].Key, n, largest)
		}
	}
	return store.CheckChanges(changes)
}

func checkAppend(b *store.Batch, a *store.Append) error {
	for i := range a.Events {
		e := &a.Events[i]
		if want := a.Expect + store.Version(i) + 1; e.Version != want {
			return fmt.Errorf("event %d for %s has version %d instead of %d", i, a.Stream, e.Version, want)
		}
		if e.Stream != a.Stream {
			return fmt.Errorf("event %d for %s names the stream %s", i, a.Stream, e.Stream)
		}
		if b.Fresh && e.Command != b.Key {
			return fmt.Errorf("event %d for %s is of the command %s, but the fresh batch has the key %s", i, a.Stream, e.Command, b.Key)
		}
		if len(e.Data)+len(e.Metadata) > largest {
			return fmt.Errorf("event %d for %s has %d bytes, at most %d are allowed", i, a.Stream, len(e.Data)+len(e.Metadata), largest)
		}
	}
	return nil
}
