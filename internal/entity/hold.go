package entity

import (
	"context"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Decision is what a command of a group came to on the confirmed state of its
// entity, whose turn is held until it is known what became of the group.
type Decision struct {
	Epoch   store.Epoch   // under which the group's append has to be made
	Base    store.Version // that the entity has
	Events  []store.Event
	Records []store.Change
	Claims  []Claim
	Reply   []byte // JSON
	Kept    []byte // the same as it is stored

	value any // what the handler returned, in this process
}

// Fate is what became of the append that a turn was held for.
type Fate struct {
	// Status is Durable; Failed, if nothing was stored for certain; Unknown, if
	// it may still come to be; or another one by which the entity may have
	// been changed by others.
	Status store.Status
	// First is the position of the turn's first event, if it is Durable; zero
	// where it is not known, or there is none.
	First store.Position
}

// Held is an entity whose turn is held.
type Held struct {
	Decision
	Partition store.Partition
	turn      *turn
}

// Hold takes the turn of an entity, decides a command on its confirmed state and
// keeps the turn, for an append that others make. beside is what the commands of
// the group that were decided before did to unique values. Whoever holds has to
// End it. After an error, which is a *registry.Fault, nothing is held.
func (g *Engine) Hold(ctx context.Context, call *Call, now time.Time, beside []Claim) (*Held, error) {
	p := g.Home(call)
	before, _ := g.owns(p)
	epoch, ok := g.cfg.Nodes.Epoch(p)
	if !ok {
		return nil, elsewhere(nil)
	}
	if g.cfg.Group(p).Busy() {
		return nil, overloaded()
	}
	l := g.acquire(call.Command.Entity, streamOf(call), p)
	t, err := g.hold(ctx, l, call, now, beside)
	if err != nil {
		g.release(l)
	}
	if !g.stillOwns(p, before) {
		if err == nil {
			t.undo()
			g.letGo(l)
		}
		return nil, elsewhere(nil)
	}
	if err != nil {
		return nil, err
	}
	return &Held{turn: t, Partition: p, Decision: Decision{
		Epoch: epoch, Base: l.version, Events: t.events, Records: t.timers, Claims: t.claimed(), Reply: t.reply, Kept: t.kept, value: t.out,
	}}, nil
}

// hold decides a command when all that was decided before is settled, and keeps
// the turn if it is not rejected.
func (g *Engine) hold(ctx context.Context, l *live, call *Call, now time.Time, beside []Claim) (*turn, error) {
	if err := l.enter(ctx, g.cfg.MaxQueue, g.cfg.MaxWait, g.cfg.Now); err != nil {
		return nil, err
	}
	t, err := g.decideSettled(ctx, l, call, now, beside)
	if err != nil {
		l.leave()
		return nil, err
	}
	l.hold(true)
	return t, nil
}

func (g *Engine) decideSettled(ctx context.Context, l *live, call *Call, now time.Time, beside []Claim) (*turn, error) {
	if last := l.unsettled(); last != nil && !last.Wait(ctx) {
		return nil, notStarted(context.Cause(ctx))
	}
	t, err := g.try(ctx, l, call, now, beside...)
	if err == nil && t.err != nil {
		t.undo()
		err = t.err
	}
	return t, err
}

// End ends the hold: what was decided becomes the entity's state, or is
// forgotten. Where it may still come to be, the partition's epoch is ended before
// anyone gets the turn.
func (h *Held) End(f Fate) {
	t, g := h.turn, h.turn.engine
	switch f.Status {
	case store.Durable:
		h.take(f.First)
	case store.Failed:
		t.undo()
	case store.Unknown:
		t.live.drop()
		g.cfg.Nodes.Renew(h.Partition, h.Epoch)
	default:
		t.live.drop()
		g.cfg.Group(h.Partition).Landed(nil)
	}
	g.letGo(t.live)
}

// take makes what was decided the entity's.
func (h *Held) take(first store.Position) {
	t := h.turn
	t.advance()
	landed := make([]*store.Event, 0, len(t.events))
	for i := range t.events {
		e := &t.events[i]
		if first > 0 {
			e.Partition, e.Position = h.Partition, first+store.Position(i)
			landed = append(landed, e)
		}
	}
	if len(t.events) > 0 {
		t.engine.cfg.Group(h.Partition).Landed(landed)
	}
	t.armed()
	t.offer()
}

// letGo gives the turn of an entity back, and the use of it.
func (g *Engine) letGo(l *live) {
	l.hold(false)
	l.leave()
	g.release(l)
}

// hold tells that what is in memory may be overtaken by an append that is not
// in any group of this process. The caller has the turn.
func (l *live) hold(held bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = held
}

func overloaded() error {
	return registry.Faultf(registry.Overloaded, "the store cannot keep up; try again later")
}
