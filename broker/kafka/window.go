package kafka

import "github.com/twmb/franz-go/pkg/kgo"

// partition is what a receiver knows of one that it has. Its receiver's mutex
// guards it.
type partition struct {
	id     int32
	queue  []*flight // what was delivered, in order; the first one is not settled
	next   int64     // the offset after the last record that was delivered; -1 before the first
	stored int64     // the committed offset; -1 before the first record
	open   int       // how many are with those they were delivered to
	backs  int       // how many were given back
	moving bool      // it is about to leave the receiver
	gone   bool      // it has left
}

// flight is a record that was delivered.
type flight struct {
	record    *kgo.Record
	partition *partition
	state     state
}

type state uint8

const (
	open    state = iota // with the one it was delivered to
	settled              // acknowledged or dead-lettered
	back                 // given back
)

func newPartition(id int32) *partition { return &partition{id: id, next: -1, stored: -1} }

// add notes that a record is delivered.
func (p *partition) add(r *kgo.Record) *flight {
	f := &flight{record: r, partition: p}
	if p.next < 0 {
		p.stored = r.Offset // as good as
	}
	p.queue = append(p.queue, f)
	p.next = r.Offset + 1
	p.open++
	return f
}

// position is the offset below which all is settled, or -1.
func (p *partition) position() int64 {
	n := 0
	for n < len(p.queue) && p.queue[n].state == settled {
		p.queue[n] = nil
		n++
	}
	p.queue = p.queue[n:]
	if len(p.queue) > 0 {
		return p.queue[0].record.Offset
	}
	return p.next
}

// returned is the first record that was given back, or nil.
func (p *partition) returned() *flight {
	if p.backs == 0 || p.moving {
		return nil
	}
	for _, f := range p.queue {
		if f.state == back {
			return f
		}
	}
	return nil
}
