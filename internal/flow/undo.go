package flow

import (
	"context"
	"strconv"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/store"
)

// undo is what undoes something that a run did.
type undo struct {
	name string
	fn   func(context.Context, *Line) error
}

// The journals of undoing: one that tells what was undone, and one for the steps
// of each.
func undoneID(runID string) string      { return undonePrefix + runID }
func undoID(runID string, n int) string { return undoPrefix + runID + "/" + strconv.Itoa(n) }

const (
	undonePrefix = "undone/"
	undoPrefix   = "undo/"
)

// undoAll runs what was registered, the last first, each until it succeeded
// once.
func (r *Run) undoAll(ctx context.Context) error {
	done := r.flow.Open(r.Partition, undoneID(r.ID), false).Line()
	for i := len(r.undos) - 1; i >= 0; i-- {
		step := done.find(ctx, kindUndo, r.undos[i].name)
		if step.Found {
			continue
		}
		run := r.flow.Open(r.Partition, undoID(r.ID, i), false)
		if err := r.undos[i].fn(ctx, run.Line()); err != nil {
			return err
		}
		if err := run.Missed(ctx); err != nil {
			return err
		}
		done.keep(ctx, step, run.Notes()...)
	}
	return nil
}

// forget deletes the journals of a run, and the signals that it did not
// receive.
func forget(runID string) []store.Change {
	return []store.Change{
		journal.Forget(runID),
		{Op: store.DeleteUnder, Record: store.Record{Space: signalSpace, Key: runID + "/"}},
	}
}

// Forget makes the changes that delete what a run that has ended kept.
func Forget(runID string) []store.Change { return forget(runID) }

// forgetAll is forget for a run that may have been undone.
func forgetAll(runID string) []store.Change {
	return append(forget(runID), journal.Forget(undoneID(runID)), journal.Forget(undoPrefix+runID))
}
