package commit

import (
	"context"
	"errors"
	"sync"

	"github.com/talix-dev/talix/store"
)

// fate is what becomes known, in the end, of an append whose outcome was not.
type fate struct {
	mu   sync.Mutex
	turn chan struct{} // who finds it out holds the token
	try  *Pending      // the last one; of who has the turn
}

// Settle waits until it is certain what became of a batch, and returns the try
// of it that tells: Durable, a Duplicate (of an earlier try, or of another batch
// with the same key), a Conflict, or Failed. One whose outcome is unknown is
// tried again, once pause has returned for so many tries; an error of it ends
// that, and the outcome stays unknown.
//
// A batch was decided on what those before it in its chains led to. Another try
// of it is made only when these are stored for certain: its versions alone don't
// tell, for where one of these did not come to be, another decision may have
// taken its place.
func (p *Pending) Settle(ctx context.Context, pause func(tries int) error) (*Pending, error) {
	if !p.Wait(ctx) {
		return nil, context.Cause(ctx)
	}
	if p.outcome.Status != store.Unknown {
		return p, nil
	}
	turn := p.fate.begin()
	select {
	case turn <- struct{}{}:
		defer func() { <-turn }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	return p.settleAgain(ctx, pause)
}

func (f *fate) begin() chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.turn == nil {
		f.turn = make(chan struct{}, 1)
	}
	return f.turn
}

// settleAgain tries again until the outcome is known.
func (p *Pending) settleAgain(ctx context.Context, pause func(tries int) error) (*Pending, error) {
	for tries := 1; ; tries++ {
		last := p
		if p.fate.try != nil {
			last = p.fate.try
		}
		switch {
		case !last.Settled() && !last.Wait(ctx):
			return nil, context.Cause(ctx)
		case last.outcome.Status != store.Unknown:
			return last, nil
		case errors.Is(last.outcome.Err, store.ErrClosed):
			return nil, last.outcome.Err
		}
		stands, err := p.stands(ctx, pause)
		if err != nil {
			return nil, err
		}
		if !stands {
			p.fate.try = conflicting()
			continue
		}
		if err := pause(tries); err != nil {
			return nil, errors.Join(err, last.outcome.Err)
		}
		p.fate.try = p.again()
	}
}

// stands tells whether all that the batch rests on is stored. Where it is not,
// the batch is not either: it was part of the same commit.
func (p *Pending) stands(ctx context.Context, pause func(tries int) error) (bool, error) {
	for _, r := range p.rests {
		told, err := r.Settle(ctx, pause)
		if err != nil {
			return false, err
		}
		switch told.outcome.Status {
		case store.Durable, store.Duplicate:
		case store.Conflict:
			return false, nil
		default:
			return false, told.outcome.Err
		}
	}
	return true, nil
}

// again submits the batch once more, with no chain: what it rests on is stored,
// so its key and its versions make that safe.
func (p *Pending) again() *Pending {
	if p.span != nil {
		return Span(p.span.parts)
	}
	return p.group.Submit(p.batch, nil)
}

// conflicting is settled.
func conflicting() *Pending {
	p := &Pending{done: make(chan struct{})}
	p.settle(store.Outcome{Status: store.Conflict})
	return p
}

// rest notes what the batch is decided on that may not come to be. Who submits
// to a chain does so one after another.
func (p *Pending) rest() {
	for _, c := range p.chains {
		if last := c.last; last != nil && (!last.Settled() || last.outcome.Status != store.Durable) {
			p.rests = append(p.rests, last)
		}
		c.last = p
	}
}
