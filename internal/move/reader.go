package move

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// reader reads the events of all partitions up to where their logs ended when
// it was made: in order of each partition, and of time between them, so that a
// store of fewer partitions gets them about as they happened.
type reader struct {
	store store.Store
	page  int
	at    []store.Position // of the last events that were taken
	upTo  []store.Position
	lines lines
	begun bool
}

// line is what was read of a partition and not taken; it is not empty.
type line struct {
	partition store.Partition
	events    []store.Event
}

// lines is a heap with the earliest event on top.
type lines []line

func (l lines) Len() int { return len(l) }
func (l lines) Less(i, j int) bool {
	return cmp.Or(l[i].events[0].Time.Compare(l[j].events[0].Time), cmp.Compare(l[i].partition, l[j].partition)) < 0
}
func (l lines) Swap(i, j int) { l[i], l[j] = l[j], l[i] }
func (l *lines) Push(x any)   { *l = append(*l, x.(line)) }
func (l *lines) Pop() any {
	old := *l
	last := old[len(old)-1]
	old[len(old)-1] = line{}
	*l = old[:len(old)-1]
	return last
}

// read begins after the given positions; nil: with the first events.
func read(ctx context.Context, s store.Store, at []store.Position) (*reader, error) {
	n := s.Partitions()
	r := &reader{store: s, page: max(64, 4096/n), at: make([]store.Position, n)}
	copy(r.at, at)
	for p := range n {
		head, err := s.Head(ctx, store.Partition(p))
		if err != nil {
			return nil, err
		}
		r.upTo = append(r.upTo, head)
	}
	return r, nil
}

// done and total are how many positions lie behind it, and in all.
func (r *reader) done() int64  { return sum(r.at) }
func (r *reader) total() int64 { return sum(r.upTo) }

func sum(ps []store.Position) (n int64) {
	for _, p := range ps {
		n += int64(p)
	}
	return n
}

// Bounds of the bytes of a chunk.
const chunkBytes = 16 << 20

// take returns up to max of the next events, fewer where they are large; none
// at the end.
func (r *reader) take(ctx context.Context, max int) (events []store.Event, err error) {
	if !r.begun {
		for p := range r.at {
			if err := r.fill(ctx, store.Partition(p)); err != nil {
				return nil, err
			}
		}
		r.begun = true
	}
	for size := 0; len(r.lines) > 0 && len(events) < max && size < chunkBytes; {
		top := &r.lines[0]
		e := top.events[0]
		events, size = append(events, e), size+len(e.Data)+len(e.Metadata)
		r.at[e.Partition] = e.Position
		if top.events = top.events[1:]; len(top.events) > 0 {
			heap.Fix(&r.lines, 0)
			continue
		}
		heap.Pop(&r.lines)
		if err := r.fill(ctx, e.Partition); err != nil {
			return nil, err
		}
	}
	return events, ctx.Err()
}

// fill reads the next page of a partition.
func (r *reader) fill(ctx context.Context, p store.Partition) error {
	if r.at[p] >= r.upTo[p] {
		return nil
	}
	events, err := r.store.Log(ctx, p, r.at[p], r.page)
	if err != nil {
		return fmt.Errorf("read partition %d after %d: %w", p, r.at[p], err)
	}
	for n := len(events); n > 0 && events[n-1].Position > r.upTo[p]; n-- {
		events = events[:n-1]
	}
	if len(events) == 0 {
		return fmt.Errorf("read partition %d: its log ends before position %d: %w", p, r.upTo[p], store.ErrCorrupt)
	}
	heap.Push(&r.lines, line{p, events})
	return nil
}
