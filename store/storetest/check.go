package storetest

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
)

// Check holds the whole content of a store against what must be true of every
// store at every moment: positions rise strictly, versions of a stream are
// dense in the order of the log, streams lie in their partition, Load tells the
// same as Log, and Head is the last position. No commits may be under way.
// Tests of whatever writes to a store end with it, in the test or in its Cleanup.
func Check(t testing.TB, s store.Store) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context()) // Cleanup comes after its end
	for p := range store.Partition(s.Partitions()) {
		if err := checkPartition(ctx, s, p); err != nil {
			t.Errorf("integrity of partition %d: %v", p, err)
		}
	}
}

func checkPartition(ctx context.Context, s store.Store, p store.Partition) error {
	events, err := readLog(ctx, s, p)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	streams, err := checkOrder(events, p, s.Partitions())
	if err != nil {
		return err
	}
	for name, want := range streams {
		if err := checkStream(ctx, s, name, want); err != nil {
			return fmt.Errorf("stream %v: %w", name, err)
		}
	}
	return checkHead(ctx, s, p, events)
}

// checkOrder checks a partition's events and sorts them by stream.
func checkOrder(events []store.Event, p store.Partition, partitions int) (map[store.Stream][]store.Event, error) {
	streams := map[store.Stream][]store.Event{}
	var last store.Position
	for _, e := range events {
		before := streams[e.Stream]
		switch {
		case e.Partition != p:
			return nil, fmt.Errorf("an event says that it is of partition %d", e.Partition)
		case store.PartitionOf(e.Stream, partitions) != p:
			return nil, fmt.Errorf("stream %v does not belong here", e.Stream)
		case e.Position <= last:
			return nil, fmt.Errorf("position %d follows %d", e.Position, last)
		case e.Version != store.Version(len(before)+1):
			return nil, fmt.Errorf("stream %v goes from version %d to %d", e.Stream, len(before), e.Version)
		}
		last = e.Position
		streams[e.Stream] = append(before, e)
	}
	return streams, nil
}

func checkStream(ctx context.Context, s store.Store, name store.Stream, want []store.Event) error {
	var got []store.Event
	for e, err := range s.Load(ctx, name, 0) {
		if err != nil {
			return fmt.Errorf("load: %w", err)
		}
		got = append(got, e)
	}
	if err := sameEvents(got, want); err != nil {
		return fmt.Errorf("what Load and Log give differs: %w", err)
	}
	return nil
}

func checkHead(ctx context.Context, s store.Store, p store.Partition, events []store.Event) error {
	var last store.Position
	if len(events) > 0 {
		last = events[len(events)-1].Position
	}
	head, err := s.Head(ctx, p)
	if err != nil {
		return fmt.Errorf("read head: %w", err)
	}
	if head != last {
		return fmt.Errorf("the head is %d, the last position is %d", head, last)
	}
	return nil
}

func sameEvents(got, want []store.Event) error {
	if len(got) != len(want) {
		return fmt.Errorf("got %d events, want %d", len(got), len(want))
	}
	for i := range got {
		if err := sameEvent(got[i], want[i]); err != nil {
			return fmt.Errorf("event %d: %w", i, err)
		}
	}
	return nil
}

// sameEvent compares every field; nil and empty metadata differ.
func sameEvent(got, want store.Event) error {
	switch {
	case !bytes.Equal(got.Data, want.Data):
		return fmt.Errorf("data is %.80q, want %.80q", got.Data, want.Data)
	case !bytes.Equal(got.Metadata, want.Metadata) || (got.Metadata == nil) != (want.Metadata == nil):
		return fmt.Errorf("metadata is %.80q (nil: %t), want %.80q (nil: %t)",
			got.Metadata, got.Metadata == nil, want.Metadata, want.Metadata == nil)
	case !got.Time.Equal(want.Time) || got.Time.Location() != time.UTC:
		return fmt.Errorf("time is %v, want %v", got.Time, want.Time)
	}
	if g, w := plain(got), plain(want); g != w {
		return fmt.Errorf("got %+v, want %+v", g, w)
	}
	return nil
}

// envelope is what of an event can be compared by ==.
type envelope struct {
	ID, Command, Correlation, Causation store.ID
	Stream                              store.Stream
	Version                             store.Version
	Partition                           store.Partition
	Position                            store.Position
	Type                                string
	Schema                              int
}

func plain(e store.Event) envelope {
	return envelope{
		e.ID, e.Command, e.Correlation, e.Causation,
		e.Stream, e.Version, e.Partition, e.Position, e.Type, e.Schema,
	}
}
