package rabbitmq

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"

	amqp "github.com/rabbitmq/amqp091-go"
)

// token is a message in a group's queue. The queue always holds at least one
// that says where the group is, and the receiver that the server hands them to
// is the active one.
type token struct {
	ID       string `json:"id"`
	Position int64  `json:"position"` // all offsets below are settled
	Epoch    int64  `json:"epoch"`    // rises with each receiver that becomes active
	Owner    string `json:"owner"`    // the receiver of the epoch
}

// ballot is a receiver's part in the choice of the active one, for the time of
// one connection.
type ballot struct {
	ch     *amqp.Channel
	queue  string
	tokens <-chan amqp.Delivery
	ended  chan *amqp.Error

	best    token  // the furthest position and the last epoch that were seen
	current string // the id of the last token that the receiver has published
}

// ballot takes part.
func (l *link) ballot(queue string) (*ballot, error) {
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	p := &ballot{ch: ch, queue: queue, ended: ch.NotifyClose(make(chan *amqp.Error, 1))}
	if err := ch.Confirm(false); err != nil {
		return nil, fmt.Errorf("ask for confirmations: %w", err)
	}
	if p.tokens, err = ch.Consume(queue, "", false, false, false, false, nil); err != nil {
		return nil, fmt.Errorf("take part in the choice of the active receiver: %w", err)
	}
	return p, nil
}

// win waits until the receiver is the active one and knows all tokens.
func (p *ballot) win(ctx context.Context) error {
	// The queue is empty if the group is new.
	if _, err := p.put(token{}); err != nil {
		return err
	}
	if _, err := p.next(ctx); err != nil {
		return err
	}
	// What was in the queue comes before the second one.
	barrier, err := p.put(token{})
	if err != nil {
		return err
	}
	for {
		t, err := p.next(ctx)
		if err != nil {
			return err
		}
		if t.ID == barrier {
			return nil
		}
	}
}

// next waits for a token.
func (p *ballot) next(ctx context.Context) (token, error) {
	select {
	case d, ok := <-p.tokens:
		if !ok {
			return token{}, p.reason()
		}
		return p.see(d), nil
	case <-ctx.Done():
		return token{}, context.Cause(ctx)
	}
}

// see notes a token, and removes those before it if it is the receiver's own.
func (p *ballot) see(d amqp.Delivery) token {
	var t token
	if err := json.Unmarshal(d.Body, &t); err != nil {
		return token{} // not one; it goes with the others
	}
	p.best.Position = max(p.best.Position, t.Position)
	if t.Epoch > p.best.Epoch {
		p.best.Epoch, p.best.Owner = t.Epoch, t.Owner
	}
	if t.ID == p.current && d.DeliveryTag > 1 {
		_ = p.ch.Ack(d.DeliveryTag-1, true) // else the connection has ended
	}
	return t
}

// reign begins the epoch of a receiver.
func (p *ballot) reign(ctx context.Context, owner string) error {
	p.best.Epoch++
	p.best.Owner = owner
	confirmed, err := p.commit(p.best.Position)
	if err != nil {
		return err
	}
	acked, err := confirmed.WaitContext(ctx)
	if err == nil && !acked {
		err = cmp.Or(p.reason(), errRefused)
	}
	return err
}

// commit stores the position; it is safe once that is confirmed.
func (p *ballot) commit(position int64) (*amqp.DeferredConfirmation, error) {
	t := token{ID: rand.Text(), Position: position, Epoch: p.best.Epoch, Owner: p.best.Owner}
	p.current = t.ID
	return p.publish(t)
}

// put adds a token that says nothing, and returns its id.
func (p *ballot) put(t token) (id string, err error) {
	t.ID = rand.Text()
	_, err = p.publish(t)
	return t.ID, err
}

func (p *ballot) publish(t token) (*amqp.DeferredConfirmation, error) {
	body, err := json.Marshal(t)
	if err != nil {
		return nil, fmt.Errorf("encode position: %w", err)
	}
	confirmation, err := p.ch.PublishWithDeferredConfirm("", p.queue, true, false,
		amqp.Publishing{Body: body, DeliveryMode: amqp.Persistent, ContentType: "application/json"})
	if err != nil {
		return nil, fmt.Errorf("store position: %w", err)
	}
	return confirmation, nil
}

// reason is why the channel has ended.
func (p *ballot) reason() error {
	select {
	case answer := <-p.ended:
		if answer != nil {
			return answer
		}
	default:
	}
	return errLost
}
