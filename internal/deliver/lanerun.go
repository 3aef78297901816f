package deliver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// laneRun is one run of a lane's item.
type laneRun struct {
	*consumer
	lane    *lane
	began   work.Item
	version store.Version  // the events below it are done
	forgets []store.Change // of those that this run did
}

func (r *laneRun) run(ctx context.Context) work.Verdict {
	if r.began.Hold && !r.began.Cancel {
		return held
	}
	for range maxRun {
		e, upTo, err := r.find(ctx)
		switch {
		case err != nil:
			return r.unread(ctx, err)
		case e == nil && r.beginClose(upTo):
			return r.close(ctx)
		case e == nil:
			continue // one came meanwhile
		case r.began.Cancel && e.Version >= r.began.Version && r.version == r.began.Version:
			r.giveUp(e, "it was cancelled")
			continue
		}
		run := r.try(r.attempt(ctx, e), e, false)
		if run.Err != nil && ctx.Err() != nil {
			return r.progress()
		}
		if run.Err != nil {
			return r.failed(e, run)
		}
		r.done(e, run.Journal)
	}
	return r.progress()
}

// attempt is a context that tells how often the event is tried.
func (r *laneRun) attempt(ctx context.Context, e *store.Event) context.Context {
	if e.Version > r.began.Version { // the first one had the failures
		return ctx
	}
	return work.WithAttempt(ctx, r.began.Attempts+1)
}

// held is the verdict on an item that was asked to pause before it ran.
func held(now work.Item) (*work.Item, []store.Change) {
	if now.Hold {
		now.Status, now.Due = work.Suspended, time.Time{}
	}
	return &now, nil
}

func (r *laneRun) done(e *store.Event, journal string) {
	r.version = e.Version + 1
	if journal != "" {
		r.forgets = append(r.forgets, r.cfg.Forget(journal)...)
	}
}

// find is the lane's next event; nil if there is none up to the position that
// it returns.
func (r *laneRun) find(ctx context.Context) (*store.Event, store.Position, error) {
	r.mu.Lock()
	upTo := r.lane.passed
	r.mu.Unlock()
	for e, err := range r.cfg.Store.Load(ctx, r.began.Stream, r.version-1) {
		if err != nil || e.Position > upTo {
			return nil, upTo, err
		}
		if r.wants(&e) {
			return &e, upTo, nil
		}
	}
	return nil, upTo, nil
}

// unread is the verdict where the log could not be read.
func (r *laneRun) unread(ctx context.Context, err error) work.Verdict {
	if ctx.Err() != nil {
		return r.progress()
	}
	fault := registry.Faultf(registry.Unavailable, "the events of %s cannot be read", r.began.Stream).Because(err)
	return func(now work.Item) (*work.Item, []store.Change) {
		next := r.policy.After(r.began, advanced(now, r.version), fault, r.cfg.Now())
		return &next, r.forgets
	}
}

// progress is the verdict of a run that ends before the lane does.
func (r *laneRun) progress() work.Verdict {
	if r.version == r.began.Version {
		return nil
	}
	return func(now work.Item) (*work.Item, []store.Change) {
		next := advanced(now, r.version)
		next.Status, next.Due = work.Ready, r.cfg.Now()
		return &next, r.forgets
	}
}

// failed is the verdict of a run that ended at an event.
func (r *laneRun) failed(e *store.Event, run Run) work.Verdict {
	id := r.runID(e.Stream, e.Version)
	notes, judged := run.Notes, store.ID{}
	return func(now work.Item) (*work.Item, []store.Change) {
		if now.Rev == judged {
			notes = nil // it did not change, so the journal is ahead of them
		}
		judged = now.Rev
		if now.Version > e.Version { // given up by someone meanwhile
			return &now, append(slices.Clone(r.forgets), r.cfg.Forget(id)...)
		}
		next := advanced(now, e.Version)
		if next.Cancel {
			next.Due = r.cfg.Now()
			return &next, r.forgets
		}
		next.Run = id
		next = r.policy.After(r.began, next, run.Err, r.cfg.Now())
		return &next, append(slices.Clone(r.forgets), notes...)
	}
}

// giveUp leaves an event undone for good.
func (r *laneRun) giveUp(e *store.Event, why string) {
	r.done(e, r.runID(e.Stream, e.Version))
	r.gaveUp(e, why)
}

// gaveUp tells of an event that is left undone for good.
func (c *consumer) gaveUp(e *store.Event, why string) {
	c.cfg.Log.Warn("an event was given up", "action", c.action.Name, "entity", e.Stream.String(), "version", e.Version,
		"event", e.Type, "position", e.Position, "correlation", e.Correlation, "reason", why)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skipped++
}

// beginClose ends the lane if it has no event beyond the position up to which
// all are done.
func (r *laneRun) beginClose(upTo store.Position) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.lane.passed > upTo {
		return false
	}
	r.lane.state, r.lane.version = closing, r.version
	return true
}

// close removes the item, or makes a guard of it where the mark has not passed
// its events, and then lets the consumer take over. Until it is certain that
// this is durable, the entity's events wait.
func (r *laneRun) close(ctx context.Context) work.Verdict {
	guard := !r.passedByMark()
	for attempt := 1; ; attempt++ {
		_, err := r.cfg.Work.Update(ctx, r.partition, r.began.ID, func(now work.Item) (*work.Item, []store.Change, error) {
			if !guard {
				return nil, r.forgets, nil
			}
			next := guardOf(now, r.version)
			return &next, r.forgets, nil
		})
		if err == nil || errors.Is(err, work.ErrNotFound) {
			r.handOver(guard)
			return nil
		}
		if ctx.Err() != nil || !r.pause(ctx, attempt) {
			return nil
		}
	}
}

func (r *laneRun) passedByMark() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lane.passed <= r.stored
}

// handOver gives what waits to the consumer.
func (r *laneRun) handOver(guard bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if guard {
		r.lane.state = guarding
		r.guards++
		r.window.poke()
	} else {
		delete(r.lanes, r.began.Stream.ID)
	}
	for _, e := range r.lane.waiting {
		r.enqueue(e)
	}
	r.lane.waiting = nil
}
