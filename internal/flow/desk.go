package flow

import (
	"context"
	"strings"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/stuck"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Find is the partition of an item, by its ID.
func (f *Flow) Find(itemID string) (store.Partition, error) {
	switch parts := strings.Split(itemID, "/"); {
	case parts[0] == string(work.Schedule) && len(parts) == 2, // a clock
		parts[0] == string(work.Timer) && len(parts) == 5,
		parts[0] == string(work.Event) && len(parts) == 4,
		parts[0] == string(work.Pour) && len(parts) == 4:
		itemID += "/"
	}
	p, _, err := f.locate(itemID)
	return p, err
}

// List is up to max unfinished items of all partitions whose ID begins with
// prefix and is above after, in the order of IDs.
func (f *Flow) List(ctx context.Context, prefix, after string, max int) ([]work.Item, error) {
	return stuck.List(ctx, f.Work, f.cfg.Store.Partitions(), prefix, after, max)
}

// Retry has an item run now, as if it had never failed.
func (f *Flow) Retry(ctx context.Context, p store.Partition, itemID string) error {
	return stuck.Change(ctx, f.Work, p, itemID, func(i work.Item) (*work.Item, []store.Change, error) {
		i = i.Recovered()
		i.Status, i.Due, i.Hold = work.Ready, f.cfg.Now(), false
		if i.Undo {
			i.Status = work.Compensating
		}
		return &i, nil, nil
	})
}

// Skip gives an item up: it ends without being done. A schedule goes on with
// its next time. Workflows are cancelled instead, so that they are undone.
func (f *Flow) Skip(ctx context.Context, p store.Partition, itemID string) error {
	return stuck.Change(ctx, f.Work, p, itemID, func(i work.Item) (*work.Item, []store.Change, error) {
		f.cfg.Log.Warn("work was given up", "id", i.ID, "action", i.Action, "attempts", i.Attempts, "correlation", i.Correlation, "error", i.Error)
		a := f.actions[actionKey{i.Kind, i.Action}]
		switch {
		case i.Kind == work.Workflow && !i.Undo:
			next := f.directed(i, registry.RunCancel)
			return &next, nil, nil
		case i.Kind == work.Schedule && a != nil:
			return f.next(a, i), forgetAll(i.Run), nil
		case i.Kind == work.Request || i.Kind == work.Workflow:
			i.Status, i.Due = work.Cancelled, f.cfg.Now().Add(f.cfg.KeepRequest)
			return &i, forgetAll(i.Run), nil
		}
		return nil, forgetAll(i.Run), nil
	})
}

// Steps are what the journal of an item's run has.
func (f *Flow) Steps(ctx context.Context, p store.Partition, runID string) ([]journal.Entry, error) {
	return f.Open(p, runID, false).journal.Entries(ctx)
}
