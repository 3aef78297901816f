package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

const (
	// maxPrefetch bounds what the server sends ahead.
	maxPrefetch = 256
	// refreshEvery is how often the position is stored though it has not
	// moved: the server closes channels that hold a message for 30 minutes.
	refreshEvery = time.Minute
)

// sessions receives until life ends or going on is hopeless.
func (r *receiver) sessions(life context.Context) error {
	for n := 0; life.Err() == nil; n++ {
		began := time.Now()
		err := r.session(life)
		if mend := hopeless(err); mend != nil {
			return mend
		}
		if time.Since(began) > longestPause {
			n = 0
		}
		if err != nil && life.Err() == nil && n == 0 {
			r.broker.cfg.Log.LogAttrs(life, slog.LevelWarn, "receiving from rabbitmq was interrupted, trying again",
				slog.String("topic", r.sub.Topic), slog.Any("error", err))
		}
		_ = pause(life, n)
	}
	return nil
}

// session is one connection.
func (r *receiver) session(life context.Context) error {
	l, err := r.broker.dial(life, life)
	if err != nil {
		return err
	}
	defer l.close()
	p, err := r.reign(life, l)
	if err != nil {
		return err
	}
	ctx, end := context.WithCancelCause(life)
	defer end(nil)
	var keeper sync.WaitGroup
	defer keeper.Wait()
	keeper.Go(func() { end(r.keep(ctx, l, p)) })
	end(r.read(ctx, l))
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// reign waits until the receiver is the active one of its group.
func (r *receiver) reign(life context.Context, l *link) (*ballot, error) {
	if err := r.broker.declare(l, r.sub.Topic); err != nil {
		return nil, err
	}
	queue := groupQueue(r.sub.Topic, r.sub.Group)
	if err := r.broker.declareGroup(l, queue); err != nil {
		return nil, err
	}
	p, err := l.ballot(queue)
	if err != nil {
		return nil, err
	}
	if err := p.win(life); err != nil {
		return nil, err
	}
	r.resume(p)
	if err := p.reign(life, r.owner); err != nil {
		return nil, err
	}
	r.store(p.best.Position)
	return p, nil
}

// resume goes on with what this receiver has in flight, if no other one was
// active since, else begins at the position.
func (r *receiver) resume(p *ballot) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.best.Epoch < r.epoch { // the server has lost tokens
		p.best = token{Position: r.stored, Epoch: r.epoch, Owner: r.owner}
	}
	r.epoch = p.best.Epoch + 1
	if p.best.Owner == r.owner {
		return
	}
	r.window = &window{next: p.best.Position}
	r.stored = p.best.Position
	r.answer(func(waiter) bool { return true }, errOrphan)
}

// keep stores the position until the connection ends.
func (r *receiver) keep(ctx context.Context, l *link, p *ballot) error {
	refresh := time.NewTicker(refreshEvery)
	defer refresh.Stop()
	c := &commit{ballot: p, stored: p.best.Position}
	for {
		if err := c.begin(r.position()); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-l.broken:
			return errLost
		case d, ok := <-p.tokens:
			if !ok {
				return p.reason()
			}
			p.see(d)
		case <-c.done():
			position, err := c.end()
			if err != nil {
				return err
			}
			r.store(position)
		case <-refresh.C:
			c.stored = -1
		case <-r.moved:
		}
	}
}

// read reads the stream, from the first message on that this receiver has not
// had, until the connection ends.
func (r *receiver) read(ctx context.Context, l *link) error {
	r.mu.Lock()
	w, next := r.window, r.window.next
	r.mu.Unlock()
	stream, err := r.consume(l, next)
	if err != nil {
		return err
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-l.broken:
			return errLost
		case d, ok := <-stream:
			if !ok {
				return errLost
			}
			if err := r.pass(ctx, l, w, &d); err != nil {
				return err
			}
		}
	}
}

func (r *receiver) consume(l *link, next int64) (<-chan amqp.Delivery, error) {
	ch, err := l.conn.Channel()
	if err != nil {
		return nil, fmt.Errorf("open channel: %w", err)
	}
	if err := ch.Qos(min(r.sub.InFlight, maxPrefetch), 0, false); err != nil {
		return nil, fmt.Errorf("bound what is sent ahead: %w", err)
	}
	var from any = next
	if next == 0 {
		from = "first"
	}
	stream, err := ch.Consume(r.sub.Topic, "", false, false, false, false, amqp.Table{headerOffset: from})
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", r.sub.Topic, err)
	}
	return stream, nil
}

// pass passes a message on. The position keeps it from being lost, so the
// server can send the next one.
func (r *receiver) pass(ctx context.Context, l *link, w *window, d *amqp.Delivery) error {
	offset, ok := d.Headers[headerOffset].(int64)
	if !ok {
		return fmt.Errorf("read %s: %w", r.sub.Topic, errNoStream)
	}
	select {
	case r.feed <- arrival{w, offset, d}:
		if err := d.Ack(false); err != nil {
			return fmt.Errorf("ask for more: %w", err)
		}
	case <-ctx.Done():
	case <-l.broken:
		return errLost
	}
	return nil
}

func (r *receiver) position() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.window.position()
}
