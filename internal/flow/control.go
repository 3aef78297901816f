package flow

import (
	"context"
	"errors"
	"strconv"
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

// locate finds the partition of a run, and the item that drives it.
func (f *Flow) locate(runID string) (p store.Partition, itemID string, err error) {
	parts := strings.Split(runID, "/")
	ofRun, ofItem := lengths(work.Kind(parts[0]))
	if len(parts) != ofRun {
		return 0, "", registry.Faultf(registry.Invalid, "%q is not the id of a run", runID)
	}
	itemID = strings.Join(parts[:ofItem], "/")
	if work.Kind(parts[0]) == work.Pour {
		return f.poured(parts[ofItem-1], runID, itemID)
	}
	home, _ := work.Home(runID)
	return f.home(home), itemID, nil
}

// poured is locate for a run of a pour, whose item names its partition.
func (f *Flow) poured(partition, runID, itemID string) (store.Partition, string, error) {
	p, err := strconv.Atoi(partition)
	if err != nil || p < 0 || p >= f.cfg.Store.Partitions() {
		return 0, "", registry.Faultf(registry.Invalid, "%q is not the id of a run", runID)
	}
	return store.Partition(p), itemID, nil
}

// lengths are how many parts the id of a run has, and that of its item; minus
// one for what is no kind of run.
func lengths(kind work.Kind) (ofRun, ofItem int) {
	switch kind {
	case work.Workflow:
		return 3, 3
	case work.Request:
		return 2, 2
	case work.Schedule:
		return 3, 2
	case work.Timer:
		return 6, 5
	case work.Event, work.Pour:
		return 5, 4
	case work.Message:
		return 4, 4
	}
	return -1, -1
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
		Input: input, Run: runID, Base: c.Base, Correlation: c.Correlation, Causation: c.Causation, Carried: c.Carried,
	})
	return told(err)
}

// told is an error of kept work as callers are told: that the store is away is
// nobody's fault.
func told(err error) error {
	switch {
	case err == nil || !work.Away(err):
		return err
	case errors.Is(err, work.ErrUnknown):
		return registry.Faultf(registry.Unknown, "whether it was taken is not known yet; send it again with the same key").Because(err)
	}
	return registry.Faultf(registry.Unavailable, "the store does not take it at the moment; try again later").Because(err)
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
	return item, told(err)
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
		next := f.directed(i, c)
		return &next, nil, nil
	})
	if errors.Is(err, work.ErrNotFound) {
		return notFound(runID, nil)
	}
	if err == nil {
		f.tell(place{p, itemID}, c)
	}
	return told(err)
}

// directed is an item that was told something.
func (f *Flow) directed(i work.Item, c registry.RunCommand) work.Item {
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
