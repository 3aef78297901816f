package rabbitmq

import amqp "github.com/rabbitmq/amqp091-go"

// window is the messages from the group's position on that were delivered. It
// belongs to its receiver, whose mutex guards it.
type window struct {
	queue []*flight // in order; the first one is not settled
	next  int64     // all offsets below were delivered
	backs int       // how many were given back
}

// flight is a message that was delivered.
type flight struct {
	offset  int64
	message *amqp.Delivery // nil when it is settled
	window  *window
	state   state
}

type state uint8

const (
	open    state = iota // with the one it was delivered to
	settled              // acknowledged or dead-lettered
	back                 // given back
)

// add notes that a message is delivered, unless it was before.
func (w *window) add(offset int64, d *amqp.Delivery) *flight {
	if offset < w.next {
		return nil
	}
	f := &flight{offset: offset, message: d, window: w}
	w.queue = append(w.queue, f)
	w.next = offset + 1
	return f
}

// position is the offset below which all is settled.
func (w *window) position() int64 {
	n := 0
	for n < len(w.queue) && w.queue[n].state == settled {
		w.queue[n] = nil
		n++
	}
	w.queue = w.queue[n:]
	if len(w.queue) > 0 {
		return w.queue[0].offset
	}
	return w.next
}

// returned is the first message that was given back, or nil.
func (w *window) returned() *flight {
	if w.backs == 0 {
		return nil
	}
	for _, f := range w.queue {
		if f.state == back {
			return f
		}
	}
	return nil
}
