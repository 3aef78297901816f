package runtime

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/vault"
)

// personal is what a runtime has for personal data: the keys, and what is to be
// done after erasures.
//
// The vault's list of erasures is what is to be done. Each runtime goes through
// it, its own erasures and others', and drops what it has in memory; views note
// in their tables how far in the list they are. So nothing has to be written
// when a key was destroyed, and whatever crashes, the rest is done later.
type personal struct {
	r        *Runtime
	box      *seal.Box
	store    *seal.Store
	events   map[string]*seal.Plan           // of those with personal fields
	entities map[*registry.Entity]bool       // that have such events
	states   map[*registry.Entity]*seal.Plan // of states with personal fields
	tagged   bool                            // anything is personal
	wake     chan struct{}

	turn sync.Mutex   // of who goes through the list
	seen atomic.Int64 // the last erasure that nothing in memory knows of
	done atomic.Int64 // the last erasure that no view knows of

	mu    sync.Mutex
	fault error // why views are not made anew at present
}

// How often the list of erasures is looked at, and views that are made anew.
const (
	lookEvery = time.Second
	goOnEvery = 50 * time.Millisecond
)

// run goes through erasures until ctx ends.
func (p *personal) run(ctx context.Context) {
	for {
		err := p.follow(ctx)
		wait := lookEvery
		if err == nil && p.done.Load() < p.seen.Load() {
			wait = goOnEvery
			err = p.renew(ctx)
		}
		p.noted(ctx, err)
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		timer.Stop()
	}
}

// noted tells of a failure once.
func (p *personal) noted(ctx context.Context, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.fault == nil && ctx.Err() == nil {
		p.r.cfg.Log.Error("what was erased is not gone from views yet; it is tried again", "error", err)
	}
	p.fault = err
}

// pageOfErasures is how many erasures are read at a time.
const pageOfErasures = 1000

// follow goes through the erasures that were not seen yet. When it returns nil,
// nothing in memory has their data.
func (p *personal) follow(ctx context.Context) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	for n := pageOfErasures; n == pageOfErasures; {
		list, err := p.r.cfg.Keys.Erased(ctx, p.seen.Load(), pageOfErasures)
		if err != nil {
			return fmt.Errorf("list erasures: %w", err)
		}
		if n = len(list); n == 0 {
			return nil
		}
		names := make([]vault.Name, n)
		for i, e := range list {
			names[i] = e.Name
		}
		if err := p.forget(ctx, names); err != nil {
			return fmt.Errorf("drop what was erased: %w", err)
		}
		p.seen.Store(list[n-1].Number)
	}
	return nil
}

// begin passes over the erasures before this runtime, which has nothing in memory
// yet.
func (p *personal) begin(ctx context.Context) error {
	for n := pageOfErasures; n == pageOfErasures; {
		list, err := p.r.cfg.Keys.Erased(ctx, p.seen.Load(), pageOfErasures)
		if err != nil {
			return fmt.Errorf("list erasures: %w", err)
		}
		if n = len(list); n > 0 {
			p.seen.Store(list[n-1].Number)
		}
	}
	return nil
}

// forget drops keys, and then what was opened with them. What is on its way into
// the log arrives before, and what comes after is refused.
func (p *personal) forget(ctx context.Context, names []vault.Name) error {
	p.box.Forget(names...)
	pending := make([]*commit.Pending, len(p.r.groups))
	for i, g := range p.r.groups {
		pending[i] = g.Submit(store.Batch{}, nil)
	}
	for _, b := range pending {
		if !b.Wait(ctx) {
			return context.Cause(ctx)
		}
	}
	of := func(e *registry.Entity) bool { return p.entities[e] }
	// It waits for turns that are held, whose events come to the tail at their end.
	if err := p.r.engine.Unlearn(ctx, of); err != nil {
		return err
	}
	p.r.snapshots.Forget(of)
	p.r.tail.Forget()
	if p.r.projector != nil {
		p.r.projector.Forget()
	}
	p.r.past.forget()
	return nil
}

// renew makes the next step towards views that know of no erasure.
func (p *personal) renew(ctx context.Context) error {
	seen := p.seen.Load()
	stale := p.stale(seen)
	for _, view := range stale {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := p.r.projector.Rebuild(bounded, view)
		cancel()
		if err != nil {
			return fmt.Errorf("make view %q anew: %w", view, err)
		}
	}
	if len(stale) > 0 {
		return nil
	}
	if p.r.hub != nil {
		p.r.hub.Reset()
	}
	if scrubber, ok := p.r.cfg.Tables.(interface{ Scrub(context.Context) error }); ok {
		if err := scrubber.Scrub(ctx); err != nil {
			return err
		}
	}
	p.done.Store(seen)
	return nil
}

// stale are the views that may have what was erased.
func (p *personal) stale(erasure int64) []string {
	if p.r.projector == nil {
		return nil
	}
	return p.r.projector.Stale(erasure, p.takes)
}

// takes tells whether a view takes events with personal fields.
func (p *personal) takes(view string) bool {
	for _, v := range p.r.registry.Views {
		if v.Name == view {
			return slices.ContainsFunc(v.Takes, func(t registry.Take) bool {
				_, ev := p.r.registry.Event(t.Go)
				return ev != nil && p.events[ev.Type] != nil
			})
		}
	}
	return false
}

// erase destroys a key and drops what is in memory.
func (p *personal) erase(ctx context.Context, subject string) (vault.Name, time.Time, error) {
	if subject == "" {
		return vault.Name{}, time.Time{}, registry.Faultf(registry.Invalid, "the subject is empty: name whose data is to be erased")
	}
	name, now := p.box.Name(subject), p.r.cfg.Now().UTC().Truncate(time.Microsecond)
	if err := p.r.cfg.Keys.Erase(ctx, name, now); err != nil {
		return name, now, registry.Faultf(registry.Unavailable, "the key of the subject could not be destroyed for certain; try again").Because(err)
	}
	p.r.cfg.Log.Info("personal data was erased", "subject", name.String())
	if err := p.follow(ctx); err != nil {
		return name, now, registry.Faultf(registry.Unavailable, "the key of the subject is destroyed, but some of the data may still be in memory; try again").Because(err)
	}
	select {
	case p.wake <- struct{}{}:
	default:
	}
	return name, now, nil
}
