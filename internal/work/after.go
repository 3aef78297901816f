package work

import (
	"errors"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// After is an item after a run that ended with an error at the given time: it
// waits, is tried again, is parked or, where someone asked for that, suspended.
// ran is the item as it was when the run began.
func (p Policy) After(ran, now Item, err error, at time.Time) Item {
	now.Awaits = ""
	i, ok := errors.AsType[*registry.Interrupt](err)
	switch {
	case ok && i.Kind == registry.Suspended:
		now = now.waiting(ran, i, at)
	case Outage(err):
		now = p.Postponed(now, err, at, nil)
	default:
		now = p.Failed(now, err, at, nil)
	}
	if now.Hold && now.Status != Parked {
		now.Status, now.Due = Suspended, time.Time{}
	}
	return now
}

func (i Item) waiting(ran Item, why *registry.Interrupt, at time.Time) Item {
	i = i.Recovered()
	i.Status, i.Due, i.Awaits = Waiting, why.Until, why.Signal
	// Who sends a signal raises the item's count, if the item is that run's: it
	// may have come after the run had looked for it.
	missed := why.Signal != "" && (ran.Run != i.Run || ran.Signals != i.Signals)
	if missed || why.Signal == "" && why.Until.IsZero() {
		i.Status, i.Due = Ready, at
	}
	return i
}
