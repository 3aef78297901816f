package main

import (
	"context"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// groupFile is the bare file under the group commit that talix itself uses:
// the same goroutines, wake-ups and batches, and nothing but the data written.
type groupFile struct {
	store.Store // the group commit calls Commit alone
	file        *bareFile
	group       *commit.Group
	piece       []byte
}

func newGroupFile(file *bareFile) *groupFile {
	g := &groupFile{file: file}
	g.group = commit.Start(commit.Config{Store: g})
	return g
}

// Commit writes the data of all events in one piece, and syncs once.
func (g *groupFile) Commit(_ context.Context, _ store.Partition, batches []store.Batch) []store.Outcome {
	g.piece = g.piece[:0]
	for _, b := range batches {
		for _, a := range b.Appends {
			for i := range a.Events {
				g.piece = append(g.piece, a.Events[i].Data...)
			}
		}
	}
	end := store.Outcome{Status: store.Durable}
	if err := g.file.appendAlone(g.piece); err != nil {
		end = store.Outcome{Status: store.Failed, Err: err}
	}
	outcomes := make([]store.Outcome, len(batches))
	for i := range outcomes {
		outcomes[i] = end
	}
	return outcomes
}

// grouped lets callers append to the file.
func (g *groupFile) grouped(callers int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		l, err := closedLoop(ctx, callers, each, func(int) caller {
			data := make([]byte, recordSize)
			return func() error {
				p := g.group.Submit(store.Batch{Appends: []store.Append{{Events: []store.Event{{Data: data}}}}}, nil)
				p.Wait(ctx)
				return p.Outcome().Err
			}
		})
		return l.perSecond(), err
	}
}

func (g *groupFile) close() error {
	g.group.Close()
	return nil
}
