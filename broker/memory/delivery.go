package memory

import (
	"context"
	"fmt"
	"maps"

	"github.com/talix-dev/talix/broker"
)

// delivery settles one message.
type delivery struct {
	receiver *receiver
	at       int // its place in the topic
	message  broker.Message
	attempt  int
	settled  bool // guarded by the server's mu
}

func (d *delivery) delivery() *broker.Delivery {
	return &broker.Delivery{Message: clone(d.message), Attempt: d.attempt, Settler: d}
}

// Ack implements broker.Settler.
func (d *delivery) Ack(ctx context.Context) error {
	return d.settle(ctx, Ack, func(g *group) { delete(g.attempts, d.at) })
}

// Dead implements broker.Settler.
func (d *delivery) Dead(ctx context.Context, reason string) error {
	return d.settle(ctx, Dead, func(g *group) {
		delete(g.attempts, d.at)
		s := d.receiver.sub
		m := clone(d.message)
		if m.Attributes == nil {
			m.Attributes = map[string]string{}
		}
		maps.Copy(m.Attributes, map[string]string{
			broker.DeadReason: reason, broker.DeadTopic: s.Topic, broker.DeadGroup: s.Group,
		})
		g.server.append(broker.DeadLetter(s.Topic), m)
	})
}

// Back implements broker.Settler.
func (d *delivery) Back(ctx context.Context) error {
	return d.settle(ctx, Back, func(g *group) { g.back(d.at) })
}

// settle does what is to be done with the message, unless it was settled
// before.
func (d *delivery) settle(ctx context.Context, op Op, do func(*group)) error {
	b := d.receiver.broker
	if b.isClosed() {
		return fmt.Errorf("%s message %s: %w", op, d.message.ID, broker.ErrClosed)
	}
	sub := d.receiver.sub
	fault := b.fault(Call{op, sub.Topic, sub.Group, []broker.Message{d.message}})
	if err := ctx.Err(); err != nil {
		fault.Before = err
	}
	if fault.Before != nil {
		return fmt.Errorf("%s message %s: %w", op, d.message.ID, fault.Before)
	}
	if d.finish(do) && fault.After != nil {
		return fmt.Errorf("%s message %s: %w", op, d.message.ID, fault.After)
	}
	return nil
}

func (d *delivery) finish(do func(*group)) bool {
	g := d.receiver.group
	g.server.mu.Lock()
	defer g.server.mu.Unlock()
	if d.settled {
		return false
	}
	g.leave(d)
	do(g)
	return true
}
