package storetest

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// verify opens the store that a killed child left and holds it against all
// that children ever acknowledged.
func (k *killer) verify() {
	k.Helper()
	s, err := k.open(k.dir)
	if err != nil {
		k.Fatalf("open store after kill: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			k.Errorf("close store: %v", err)
		}
	}()
	for p := range min(4, store.Partition(s.Partitions())) {
		if err := k.verifyPartition(s, p); err != nil {
			k.Errorf("after a kill, partition %d: %v", p, err)
		}
	}
	Check(k.TB, s)
}

func (k *killer) verifyPartition(s store.Store, p store.Partition) error {
	events, err := readLog(k.Context(), s, p)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	found := map[store.ID][]store.Event{}
	for _, e := range events {
		found[e.Command] = append(found[e.Command], e)
	}
	keys := map[store.ID]bool{}
	for key := range found {
		keys[key] = true
	}
	for a := range k.acknowledged {
		if a.partition == p {
			keys[a.key] = true
		}
	}
	faults := []error{k.verifyCount(s, p, len(events)), k.verifyRecords(s, p, events), k.verifyRepeats(s, p, events)}
	for key := range keys {
		faults = append(faults, k.verifyBatch(s, work{key, p, s.Partitions()}, found[key]))
	}
	return firstOf(faults)
}

// firstOf keeps a report short: a store that is broken has many faults.
func firstOf(faults []error) error {
	var some []error
	for _, err := range faults {
		if err != nil && len(some) < 5 {
			some = append(some, err)
		}
	}
	return errors.Join(some...)
}

// verifyBatch: its events are there once, and so is its result.
func (k *killer) verifyBatch(s store.Store, w work, found []store.Event) error {
	var want []store.Event
	for _, a := range w.appends() {
		want = append(want, a.Events...)
	}
	switch known := k.acknowledged[acknowledgement{w.partition, w.key}]; {
	case known && len(found) == 0 && len(want) > 0:
		return fmt.Errorf("the acknowledged batch %v has no events", w.key)
	case len(found) != len(want):
		return fmt.Errorf("batch %v (acknowledged: %t) has %d of %d events", w.key, known, len(found), len(want))
	}
	for i := range want {
		want[i].Partition, want[i].Position, want[i].Version = w.partition, found[i].Position, found[i].Version
	}
	if err := sameEvents(found, want); err != nil {
		return fmt.Errorf("batch %v: %w", w.key, err)
	}
	result, ok, err := s.Result(k.Context(), w.partition, w.key)
	if err != nil || !ok || !bytes.Equal(result, w.result()) {
		return fmt.Errorf("batch %v has the result %.40q, %v, %v; want %.40q", w.key, result, ok, err, w.result())
	}
	return nil
}

// verifyCount: the mark moved with the events.
func (k *killer) verifyCount(s store.Store, p store.Partition, events int) error {
	mark, _, err := s.Mark(k.Context(), killConsumer, p)
	if err != nil {
		return fmt.Errorf("read mark: %w", err)
	}
	if mark != store.Position(events) {
		return fmt.Errorf("the log has %d events, and the mark that counts them is %d", events, mark)
	}
	return nil
}

// verifyRepeats commits the last batches again, as one does who heard nothing.
func (k *killer) verifyRepeats(s store.Store, p store.Partition, events []store.Event) error {
	for _, e := range events[max(0, len(events)-20):] {
		w := work{e.Command, p, s.Partitions()}
		b := store.Batch{Key: w.key}
		for _, a := range w.appends() {
			b.Appends = append(b.Appends, numbered(a, 0))
		}
		o := s.Commit(k.Context(), p, []store.Batch{b})[0]
		if o.Status != store.Duplicate || !bytes.Equal(o.Result, w.result()) {
			return fmt.Errorf("batch %v, committed again, ended as %v with %.40q (%v)", w.key, o.Status, o.Result, o.Err)
		}
	}
	return nil
}
