package flow

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// signalSpace is where signals are kept until they are received: the key is
// the run's id, the signal's name, and the id of the sending.
const signalSpace = "signal"

// keepSignals is how long a signal that no one receives is kept.
const keepSignals = 30 * 24 * time.Hour

// received is what the journal has of an Await that ended.
type received struct {
	Signal  string          `json:"signal,omitempty"` // the record's key
	Data    json.RawMessage `json:"data,omitempty"`
	TimeOut bool            `json:"timeOut,omitempty"`
}

// Await waits for a signal to the run; false: the time is over.
func (l *Line) Await(ctx context.Context, name string, timeout time.Duration) ([]byte, bool) {
	var deadline time.Time
	if timeout > 0 {
		deadline = l.moment(ctx, kindDeadline, name, timeout)
	}
	step := l.find(ctx, kindAwait, name)
	l.run.signals.Lock()
	defer l.run.signals.Unlock()
	if step.Found {
		return l.run.receive(step.Data)
	}
	l.run.goOn()
	got, change := l.run.next(ctx, name)
	switch {
	case change != nil:
	case !deadline.IsZero() && !l.run.flow.cfg.Now().Before(deadline):
		got.TimeOut = true
	default:
		panic(&registry.Interrupt{Kind: registry.Suspended, Until: deadline, Signal: name})
	}
	data, err := json.Marshal(got)
	if err != nil {
		broken(err)
	}
	step.Data = data
	return l.run.receive(l.keep(ctx, step, change...).Data)
}

func (r *Run) receive(data []byte) ([]byte, bool) {
	var got received
	if err := json.Unmarshal(data, &got); err != nil {
		broken(err)
	}
	r.consumed[got.Signal] = true
	return got.Data, !got.TimeOut
}

// next is the oldest signal of a name that was not received, and the change
// that takes it.
func (r *Run) next(ctx context.Context, name string) (received, []store.Change) {
	prefix := r.ID + "/" + registry.Escape(name) + "/"
	for after := ""; ; {
		records, err := r.flow.keeper.Records(ctx, r.Partition, signalSpace, prefix, after, 16)
		if err != nil {
			broken(fmt.Errorf("read signals: %w", err))
		}
		if len(records) == 0 {
			return received{}, nil
		}
		for _, rec := range records {
			if after = rec.Key; !r.consumed[rec.Key] {
				return received{Signal: rec.Key, Data: rec.Data}, []store.Change{{Record: rec, Op: store.Delete, Blind: true}}
			}
		}
	}
}

// Signal sends a signal to a run. sending tells sendings apart; the same one
// again is received once.
func (f *Flow) Signal(ctx context.Context, runID, name string, sending store.ID, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, itemID, err := f.locate(runID)
	if err != nil {
		return err
	}
	if strings.HasPrefix(runID, string(work.Workflow)+"/") {
		if _, found, err := f.Work.Get(ctx, p, itemID); err != nil || !found {
			return notFound(runID, err)
		}
	}
	err = f.commit(ctx, p, store.Change{Blind: true, Record: store.Record{
		Space: signalSpace, Key: runID + "/" + registry.Escape(name) + "/" + sending.String(),
		Rev: f.cfg.NewID(), Due: f.cfg.Now().Add(keepSignals), Data: data,
	}})
	if err != nil {
		return err
	}
	return f.touch(ctx, p, itemID, runID)
}

// touch lets a run look for its signals, if it waits or is about to.
func (f *Flow) touch(ctx context.Context, p store.Partition, itemID, runID string) error {
	_, err := f.Work.Update(ctx, p, itemID, func(i work.Item) (*work.Item, []store.Change, error) {
		if i.Run != runID {
			return &i, nil, nil
		}
		i.Signals++
		if i.Status == work.Waiting && i.Awaits != "" {
			i.Due = f.cfg.Now()
		}
		return &i, nil, nil
	})
	if errors.Is(err, work.ErrNotFound) {
		return nil // it will look when it comes to be
	}
	return told(err)
}

func notFound(runID string, err error) error {
	if err != nil {
		return told(err)
	}
	return registry.Faultf(registry.NotFound, "there is no run %q", runID)
}
