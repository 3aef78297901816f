package memory

import (
	"bytes"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// write judges the batches of one call in order and applies those that hold.
func (p *partition) write(batches []store.Batch) []store.Outcome {
	out := make([]store.Outcome, len(batches))
	lost := map[store.Stream]bool{} // streams of batches that were not Durable
	for i := range batches {
		out[i] = p.judge(&batches[i], lost)
		if out[i].Status == store.Durable {
			out[i].Position = p.apply(&batches[i])
			continue
		}
		for _, a := range batches[i].Appends {
			lost[a.Stream] = true
		}
	}
	return out
}

// judge says how a batch ends, and changes nothing.
func (p *partition) judge(b *store.Batch, lost map[store.Stream]bool) store.Outcome {
	if err := p.refuse(b); err != nil {
		return store.Outcome{Status: store.Failed, Err: fmt.Errorf("commit: %w", err)}
	}
	if r, ok := p.results.byKey[b.Key]; ok && !b.Key.IsZero() {
		return store.Outcome{Status: store.Duplicate, Result: bytes.Clone(r.value)}
	}
	if p.isRepeat(b) {
		return store.Outcome{Status: store.Duplicate, Result: bytes.Clone(b.Result)}
	}
	for _, a := range b.Appends {
		if lost[a.Stream] || a.Expect != store.Version(len(p.streams[a.Stream])) {
			return store.Outcome{Status: store.Conflict}
		}
	}
	for _, m := range b.Marks {
		if p.marks[m.Consumer] != m.From {
			return store.Outcome{Status: store.Conflict}
		}
	}
	if !p.revisionsHold(b.Records) {
		return store.Outcome{Status: store.Conflict}
	}
	return store.Outcome{Status: store.Durable}
}

// isRepeat tells that a fresh batch stands where it wants to be stored.
func (p *partition) isRepeat(b *store.Batch) bool {
	if !b.Fresh || len(b.Appends) == 0 || len(b.Appends[0].Events) == 0 {
		return false
	}
	a := b.Appends[0]
	there := p.streams[a.Stream]
	return int(a.Expect) < len(there) && p.log[there[a.Expect]].Command == b.Key
}

// refuse tells what is not well formed about a batch.
func (p *partition) refuse(b *store.Batch) error {
	for i := range b.Appends {
		if err := p.refuseAppend(b, &b.Appends[i]); err != nil {
			return err
		}
		for j := range i {
			if b.Appends[j].Stream == b.Appends[i].Stream {
				return fmt.Errorf("a batch appends twice to %v: make it one append", b.Appends[i].Stream)
			}
		}
	}
	return store.CheckChanges(b.Records)
}

func (p *partition) refuseAppend(b *store.Batch, a *store.Append) error {
	if home := store.PartitionOf(a.Stream, p.of); home != p.number {
		return fmt.Errorf("stream %v is of partition %d, not %d", a.Stream, home, p.number)
	}
	for i := range a.Events {
		e, want := &a.Events[i], a.Expect+store.Version(i)+1
		if e.Stream != a.Stream || e.Version != want {
			return fmt.Errorf("an append to %v at version %d holds the event %v %d", a.Stream, want, e.Stream, e.Version)
		}
		if b.Fresh && e.Command != b.Key {
			return fmt.Errorf("a fresh batch under the key %v holds an event of the command %v", b.Key, e.Command)
		}
	}
	return nil
}

// apply writes a batch that was judged Durable and returns its last position.
func (p *partition) apply(b *store.Batch) store.Position {
	var last store.Position
	for _, a := range b.Appends {
		for i := range a.Events {
			last = p.add(&a.Events[i])
		}
	}
	if last > 0 {
		p.next++ // positions may skip, so they do
	}
	if !b.Key.IsZero() && !b.Fresh {
		p.results.add(b)
	}
	for _, m := range b.Marks {
		p.marks[m.Consumer] = m.To
	}
	p.change(b.Records)
	return last
}

func (p *partition) add(e *store.Event) store.Position {
	e.Partition, e.Position = p.number, p.next
	p.next++
	stored := *e
	stored.Time = cut(e.Time)
	p.streams[e.Stream] = append(p.streams[e.Stream], len(p.log))
	p.log = append(p.log, stored)
	return stored.Position
}
