package nats

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/talix-dev/talix/broker"
)

// delivery settles one message.
type delivery struct {
	term    *term
	message incoming
	turn    chan struct{} // has one token: calls come one after another
	number  uint64        // among the settled ones; zero: not settled
	done    bool
}

// newDelivery leaves what is delivered to the receiver, to do with it as it
// likes.
func newDelivery(t *term, m incoming) *broker.Delivery {
	d := &delivery{term: t, message: m, turn: make(chan struct{}, 1)}
	d.turn <- struct{}{}
	out := m.message
	out.Data, out.Attributes = bytes.Clone(out.Data), maps.Clone(out.Attributes)
	return &broker.Delivery{Message: out, Settler: d}
}

// errGivenUp: everything was settled before.
var errGivenUp = errors.New("the receiver has ended")

// Ack implements broker.Settler.
func (d *delivery) Ack(ctx context.Context) error {
	return d.once(ctx, "acknowledge", func() error { return d.settle(ctx) })
}

// Dead implements broker.Settler.
func (d *delivery) Dead(ctx context.Context, reason string) error {
	return d.once(ctx, "dead-letter", func() error {
		if d.number == 0 {
			if err := d.bury(ctx, reason); err != nil {
				return err
			}
		}
		return d.settle(ctx)
	})
}

// Back implements broker.Settler.
func (d *delivery) Back(ctx context.Context) error {
	return d.once(ctx, "give back", func() error {
		if d.number != 0 {
			return d.settle(ctx)
		}
		err := d.term.giveBack(d.message)
		if errors.Is(err, errTaken) {
			return nil // whoever has taken it over has it
		}
		return err
	})
}

// once does what is to be done, unless it was done before.
func (d *delivery) once(ctx context.Context, what string, do func() error) error {
	select {
	case <-d.turn:
	case <-ctx.Done():
		return fmt.Errorf("%s message %s: %w", what, d.message.message.ID, context.Cause(ctx))
	}
	defer func() { d.turn <- struct{}{} }()
	if d.done {
		return d.term.broker.check()
	}
	if err := do(); err != nil {
		return fmt.Errorf("%s message %s: %w", what, d.message.message.ID, err)
	}
	d.done = true
	return nil
}

// check is ErrClosed once the broker was closed.
func (b *Broker) check() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return broker.ErrClosed
	}
	return nil
}

func (d *delivery) settle(ctx context.Context) (err error) {
	if d.number == 0 {
		if d.number, err = d.term.settle(d.message); err != nil {
			return err
		}
	}
	return d.term.recorded(ctx, d.number)
}

// bury publishes the dead letter.
func (d *delivery) bury(ctx context.Context, reason string) error {
	b, sub, m := d.term.broker, d.term.sub, d.message.message
	ctx, done, err := b.begin(ctx)
	if err != nil {
		return err
	}
	defer done()
	m.Attributes = maps.Clone(m.Attributes)
	maps.Copy(m.Attributes, map[string]string{
		broker.DeadReason: brief(reason), broker.DeadTopic: sub.Topic, broker.DeadGroup: sub.Group,
	})
	// Each group has a letter of its own.
	msg, err := encode(deadLetter(sub.Topic), m, "dead:"+sub.Topic+":"+sub.Group+":"+m.ID)
	if err != nil {
		return err
	}
	if err := b.checkSize(msg, 0); err != nil {
		return err
	}
	return b.publish(ctx, deadLetter(sub.Topic), []outgoing{{m.Key, msg}})
}

// brief leaves of a reason what fits into a header in any case.
func brief(reason string) string {
	const most = 1000
	if len(reason) > most {
		reason = reason[:most]
	}
	return strings.ToValidUTF8(reason, "")
}
