package postgres

import (
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// What PostgreSQL takes: a field has at most 1 GB, and a name has to fit an
// index.
const (
	largest     = 256 << 20
	longestName = 2500
)

// refuse tells what is malformed about a batch in itself.
func (s *Store) refuse(p store.Partition, b *store.Batch) error {
	for i := range b.Appends {
		if err := s.refuseAppend(p, b, &b.Appends[i]); err != nil {
			return err
		}
		for j := range i {
			if b.Appends[j].Stream == b.Appends[i].Stream {
				return fmt.Errorf("a batch appends twice to %v: make it one append", b.Appends[i].Stream)
			}
		}
	}
	if len(b.Result) > largest {
		return fmt.Errorf("the result has %d bytes, at most %d are allowed", len(b.Result), largest)
	}
	if !b.Key.IsZero() && !storable(b.Time) {
		return fmt.Errorf("the result's time %v is beyond those of PostgreSQL", b.Time)
	}
	for i := range b.Marks {
		if err := refuseMark(b.Marks[i]); err != nil {
			return err
		}
	}
	return refuseRecords(b.Records)
}

func refuseMark(m store.Mark) error {
	if m.Consumer == "" {
		return errors.New("a mark names no consumer")
	}
	if len(escape(m.Consumer)) > longestName {
		return fmt.Errorf("a consumer's name has %d bytes, at most %d are allowed", len(m.Consumer), longestName)
	}
	return nil
}

func refuseRecords(changes []store.Change) error {
	for i := range changes {
		if len(changes[i].Data) > largest {
			return fmt.Errorf("the record %.80q has %d bytes, at most %d are allowed", changes[i].Key, len(changes[i].Data), largest)
		}
	}
	return store.CheckChanges(changes)
}

func (s *Store) refuseAppend(p store.Partition, b *store.Batch, a *store.Append) error {
	if home := store.PartitionOf(a.Stream, s.partitions); home != p {
		return fmt.Errorf("stream %v is of partition %d, not %d", a.Stream, home, p)
	}
	if n := len(escape(a.Stream.Type)) + len(escape(a.Stream.ID)); n > longestName {
		return fmt.Errorf("the names of stream %.80s have %d bytes, at most %d are allowed", a.Stream, n, longestName)
	}
	for i := range a.Events {
		if err := refuseEvent(b, a, i); err != nil {
			return err
		}
	}
	return nil
}

func refuseEvent(b *store.Batch, a *store.Append, i int) error {
	e, want := &a.Events[i], a.Expect+store.Version(i)+1
	switch {
	case e.Version != want || e.Stream != a.Stream:
		return fmt.Errorf("an append to %v at version %d holds the event %v %d", a.Stream, want, e.Stream, e.Version)
	case b.Fresh && e.Command != b.Key:
		return fmt.Errorf("a fresh batch under the key %v holds an event of the command %v", b.Key, e.Command)
	case len(e.Data)+len(e.Metadata)+len(e.Type) > largest:
		return fmt.Errorf("event %v %d has %d bytes, at most %d are allowed", a.Stream, want, len(e.Data)+len(e.Metadata), largest)
	case !storable(e.Time):
		return fmt.Errorf("event %v %d is of the time %v, beyond those of PostgreSQL", a.Stream, want, e.Time)
	}
	return nil
}
