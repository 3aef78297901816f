package project

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix/table"
)

// The pauses after a failure of the store, which is most likely to end soon,
// and after that of an event, which most likely needs a new program.
const (
	firstPause  = 10 * time.Millisecond
	longPause   = 5 * time.Second
	firstPoison = time.Second
	longPoison  = time.Minute
)

// untilDone does something until it succeeds, with pauses that grow. It
// returns false if ctx ended before.
func (r *runner) untilDone(ctx context.Context, do func() error) bool {
	for tries := 0; ; tries++ {
		err := do()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if !r.pauseAfter(ctx, err, tries) {
			return false
		}
	}
}

// pauseAfter tells a failure and waits, longer each time; false if ctx ended.
func (r *runner) pauseAfter(ctx context.Context, err error, tries int) bool {
	if errors.Is(err, errTurned) || errors.Is(err, errRests) {
		r.view.cfg.crew.poke()
		return sleep(ctx, later)
	}
	poison, _ := errors.AsType[*Poison](err)
	r.fail(err, poison)
	pause := r.pause(tries, poison != nil)
	r.log(ctx, err, poison, pause)
	return sleep(ctx, pause)
}

// fail tells those who wait. Where this build is to take the place of the one
// that they ask, it is what they wait for.
func (r *runner) fail(err error, poison *Poison) {
	now := r.view.cfg.Now()
	r.progress.fail(err, poison, now)
	if shown := &r.view.shown[r.partition]; shown != r.progress && poison != nil && r.view.frozen() {
		shown.fail(err, poison, now)
	}
}

// pause doubles with each try, up to a bound; half of it is left to chance.
func (r *runner) pause(tries int, poisoned bool) time.Duration {
	first, long := firstPause, longPause
	if poisoned {
		first, long = firstPoison, longPoison
	}
	d := min(first<<min(tries, 16), long)
	return d/2 + time.Duration(r.view.cfg.Jitter()*float64(d/2))
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (r *runner) log(ctx context.Context, err error, poison *Poison, pause time.Duration) {
	log := r.view.cfg.Log.With("view", r.build.name, "partition", r.partition, "error", err, "retry_in", pause)
	switch {
	case poison != nil:
		log.ErrorContext(ctx, "view is stopped by an event", "event", poison.Event.ID, "type", poison.Event.Type,
			"entity", poison.Event.Stream, "position", poison.Event.Position, "stack", stackOf(poison))
	case errors.Is(err, table.ErrMark):
		log.WarnContext(ctx, "view has a second writer; going on from the stored mark")
	default:
		log.WarnContext(ctx, "view can't go on")
	}
}

func (r *runner) logParked(p *Poison) {
	r.view.cfg.Log.Error("an event was parked, with its entity: the view can't take it", "view", r.build.name, "error", p.Err,
		"event", p.Event.ID, "type", p.Event.Type, "entity", p.Event.Stream, "position", p.Event.Position, "stack", stackOf(p.Err))
}
