package flow

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// home is the partition of a name.
func (f *Flow) home(s store.Stream) store.Partition {
	return store.PartitionOf(s, f.cfg.Store.Partitions())
}

var unescaper = strings.NewReplacer("%2F", "/", "%25", "%")

// locate finds the partition of a run, and the item that drives it.
func (f *Flow) locate(runID string) (p store.Partition, itemID string, err error) {
	escaped := strings.Split(runID, "/")
	parts := make([]string, len(escaped))
	for i, part := range escaped {
		parts[i] = unescaper.Replace(part)
	}
	upTo := func(n int) string { return strings.Join(escaped[:n], "/") }
	kind, n := work.Kind(parts[0]), len(parts)
	switch {
	case kind == work.Workflow && n == 3:
		return f.home(store.Stream{Type: "workflow/" + parts[1], ID: parts[2]}), runID, nil
	case kind == work.Request && n == 2:
		return f.home(store.Stream{Type: "request", ID: parts[1]}), runID, nil
	case kind == work.Schedule && n == 3:
		return f.home(store.Stream{Type: "schedule", ID: parts[1]}), upTo(2), nil
	case kind == work.Timer && n == 6:
		return f.timerHome(parts[1], store.Stream{Type: parts[2], ID: parts[3]}, parts[4]), upTo(5), nil
	case kind == work.Event && n == 5:
		return f.home(store.Stream{Type: parts[2], ID: parts[3]}), upTo(4), nil
	case kind == work.Message && n == 4:
		return work.MessageHome(parts[1], f.cfg.Store.Partitions()), runID, nil
	}
	return 0, "", registry.Faultf(registry.Invalid, "%q is not the id of a run", runID)
}

// Start starts a run: of a workflow under an id, or of a request. One that was
// started before is joined.
func (f *Flow) Start(ctx context.Context, a *registry.Action, runID string, input []byte, c Cause) error {
	p, itemID, err := f.locate(runID)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	now := f.cfg.Now()
	_, _, err = f.Work.Create(ctx, work.Item{
		ID: itemID, Partition: p, Kind: kindOf(a), Action: a.Name, Status: work.Ready, Due: now, Created: now, Changed: now,
		Input: input, Run: runID, Base: c.Base, Correlation: c.Correlation, Causation: c.Causation,
	})
	return err
}

// Status tells how far a run is; if wait, once it is finished.
func (f *Flow) Status(ctx context.Context, runID string, wait bool) (work.Item, error) {
	p, itemID, err := f.locate(runID)
	if err != nil {
		return work.Item{}, err
	}
	get := f.Work.Get
	if wait {
		get = f.Work.Wait
	}
	item, found, err := get(ctx, p, itemID)
	if err == nil && !found {
		err = notFound(runID, nil)
	}
	return item, err
}

// patience bounds how long a caller waits for the store to take something.
const patience = 10 * time.Second

// Control tells a run to end, to pause or to go on.
func (f *Flow) Control(ctx context.Context, runID string, c registry.RunCommand) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, itemID, err := f.locate(runID)
	if err != nil {
		return err
	}
	_, err = f.Work.Update(ctx, p, itemID, func(i work.Item) (*work.Item, []store.Change, error) {
		next := f.told(i, c)
		return &next, nil, nil
	})
	if errors.Is(err, work.ErrNotFound) {
		return notFound(runID, nil)
	}
	if err == nil {
		f.tell(place{p, itemID}, c)
	}
	return err
}

// told is an item that was told something.
func (f *Flow) told(i work.Item, c registry.RunCommand) work.Item {
	if i.Status.Finished() || i.Undo {
		return i // it is too late
	}
	idle := i.Status == work.Waiting || i.Status == work.Parked || i.Status == work.Suspended
	switch c {
	case registry.RunCancel:
		i.Cancel, i.Hold = true, false
		i.Status, i.Due, i.Attempts = work.Ready, f.cfg.Now(), 0
	case registry.RunSuspend:
		i.Hold = true
		if idle && i.Status != work.Parked {
			i.Status, i.Due = work.Suspended, time.Time{}
		}
	case registry.RunResume:
		i.Hold = false
		if i.Status == work.Suspended {
			i.Status, i.Due = work.Ready, f.cfg.Now()
		}
	}
	return i
}

// tell lets a run that is under way here know at once.
func (f *Flow) tell(at place, c registry.RunCommand) {
	f.mu.Lock()
	defer f.mu.Unlock()
	run := f.running[at]
	if run == nil {
		return
	}
	switch c {
	case registry.RunCancel:
		run.ending.Store(true)
	case registry.RunSuspend:
		run.holding.Store(true)
	case registry.RunResume:
		run.holding.Store(false)
	}
}
