package journal

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Note remembers the step's result without making it durable yet: it is written
// with the next one that is kept, or by Changes. It is for what can be found
// out again, at a cost.
func (j *Journal) Note(s Step) {
	e := entry{s.Entry, j.cfg.NewRev()}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = append(j.notes, e)
}

// Changes are the entries that were noted and are not in the store, to be
// written with a batch of the caller's that is certain to be one run's alone;
// Kept tells that it was durable. Neither is called while steps are kept.
func (j *Journal) Changes() []store.Change {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.offered = map[string]bool{}
	changes := make([]store.Change, len(j.notes))
	for i := range j.notes {
		j.offered[j.notes[i].Path] = true
		changes[i] = j.put(&j.notes[i])
		changes[i].Blind = true
	}
	return changes
}

// Kept tells that what Changes returned last is durable.
func (j *Journal) Kept() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = slices.DeleteFunc(j.notes, func(e entry) bool { return j.offered[e.Path] })
	j.offered = nil
}

// put is the change that writes an entry, which must not exist.
func (j *Journal) put(e *entry) store.Change {
	rec := store.Record{Space: Space, Key: j.cfg.ID + "/" + e.Path, Rev: e.rev, Data: encode(&e.Entry)}
	if j.cfg.Keep > 0 {
		rec.Due = j.cfg.Now().Add(j.cfg.Keep)
	}
	return store.Change{Op: store.Put, Record: rec}
}

// Keep makes the step's result durable, in one batch with all that was noted
// before and with more, and returns the step that stands: another run of the
// same may have been faster, and then its result is the step's, and more is
// left to it.
//
// A store that fails is tried for as long as Config.Patience says. After an
// error the step may have been kept all the same, where it does not wrap
// ErrTooLarge.
func (j *Journal) Keep(ctx context.Context, s Step, more ...store.Change) (Step, error) {
	stands, err := j.keep(ctx, s, more)
	if err != nil {
		return Step{}, fmt.Errorf("keep %s: %w", s.Entry, err)
	}
	return stands, nil
}

func (j *Journal) keep(ctx context.Context, s Step, more []store.Change) (Step, error) {
	if j.noted() == nil {
		return j.write(ctx, s, nil, more)
	}
	// Who keeps a step relies on what was noted before. While someone else
	// writes that, to write it too would be a conflict.
	select {
	case j.flush <- struct{}{}:
	case <-ctx.Done():
		return Step{}, context.Cause(ctx)
	}
	notes := j.noted()
	if notes == nil {
		<-j.flush
		return j.write(ctx, s, nil, more)
	}
	defer func() { <-j.flush }()
	return j.write(ctx, s, notes, more)
}

// noted is what is to be written with the next step.
func (j *Journal) noted() []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.notes) == 0 {
		return nil
	}
	return slices.Clone(j.notes)
}

// settled takes away notes that are in the store.
func (j *Journal) settled(notes []entry) {
	done := map[string]bool{}
	for i := range notes {
		done[notes[i].Path] = true
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	j.notes = slices.DeleteFunc(j.notes, func(e entry) bool { return done[e.Path] })
}

// try is one step on its way into the store.
type try struct {
	step    entry
	notes   []entry
	more    []store.Change
	changes []store.Change
	failed  int
	until   time.Time // when patience ends
}

func (j *Journal) write(ctx context.Context, s Step, notes []entry, more []store.Change) (Step, error) {
	t := &try{step: entry{s.Entry, j.cfg.NewRev()}, notes: notes, more: more, until: time.Now().Add(j.cfg.Patience)}
	if err := j.prepare(t); err != nil {
		return Step{}, err
	}
	for {
		stands, ok, err := j.attempt(ctx, t)
		if ok || err != nil {
			return stands, err
		}
	}
}

// attempt asks the store once; ok tells that a step stands. No step and no
// error: it is to be tried again.
func (j *Journal) attempt(ctx context.Context, t *try) (stands Step, ok bool, err error) {
	o, err := j.submit(ctx, t.changes)
	if err != nil {
		return Step{}, false, err
	}
	switch o.Status {
	case store.Durable:
		j.settled(t.notes)
		return Step{Entry: t.step.Entry}, true, nil
	case store.Failed:
		return Step{}, false, t.wait(ctx, o.Err)
	}
	stored, err := j.lookUp(ctx, t)
	if err != nil {
		return Step{}, false, err
	}
	if stands, ok, err = j.standing(t, stored); ok || err != nil {
		return stands, ok, err
	}
	if o.Status == store.Unknown {
		return Step{}, false, t.wait(ctx, o.Err)
	}
	return Step{}, false, j.conflict(t, stored)
}

// prepare makes the changes of a try.
func (j *Journal) prepare(t *try) error {
	t.changes = make([]store.Change, 0, len(t.notes)+1+len(t.more))
	for i := range t.notes {
		if err := j.fits(&t.notes[i].Entry); err != nil {
			return err
		}
		t.changes = append(t.changes, j.put(&t.notes[i]))
	}
	if err := j.fits(&t.step.Entry); err != nil {
		return err
	}
	t.changes = append(append(t.changes, j.put(&t.step)), t.more...)
	return store.CheckChanges(t.changes)
}

func (j *Journal) fits(e *Entry) error {
	if n := len(e.Data) + len(e.Error); n > j.cfg.Max {
		return fmt.Errorf("%s has %d bytes, more than %d: %w", e, n, j.cfg.Max, ErrTooLarge)
	}
	return nil
}

func (j *Journal) submit(ctx context.Context, changes []store.Change) (store.Outcome, error) {
	pending := j.cfg.Group.Submit(store.Batch{Records: changes}, nil)
	if !pending.Wait(ctx) {
		return store.Outcome{}, context.Cause(ctx)
	}
	return pending.Outcome(), nil
}

// lookUp reads the journal again, after a try that was not durable for certain.
func (j *Journal) lookUp(ctx context.Context, t *try) (map[string]entry, error) {
	for {
		stored, err := j.reload(ctx)
		if err == nil {
			return stored, nil
		}
		if err := t.wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// standing is the step that the store has in the place of a try's.
func (j *Journal) standing(t *try, stored map[string]entry) (Step, bool, error) {
	have, ok := stored[t.step.Path]
	switch {
	case !ok:
		return Step{}, false, nil
	case have.rev == t.step.rev:
		j.settled(t.notes)
		return Step{Entry: t.step.Entry}, true, nil
	case have.Kind != t.step.Kind || have.Name != t.step.Name:
		return Step{}, false, changed("another run has %s, where this one has %s", have.Entry, title(t.step.Kind, t.step.Name))
	}
	_, err := j.drop(t, stored)
	return Step{have.Entry, true}, err == nil, err
}

// conflict looks for notes that another run has written already, and leaves
// them out of the next try.
func (j *Journal) conflict(t *try, stored map[string]entry) error {
	dropped, err := j.drop(t, stored)
	if err != nil {
		return err
	}
	if !dropped {
		return ErrConflict
	}
	return j.prepare(t)
}

// drop takes those notes away that the store has. They must say the same.
func (j *Journal) drop(t *try, stored map[string]entry) (bool, error) {
	var done, left []entry
	for _, n := range t.notes {
		have, ok := stored[n.Path]
		switch {
		case !ok:
			left = append(left, n)
		case have.same(&n.Entry):
			done = append(done, n)
		default:
			return false, fmt.Errorf("%w: it has another result of %s", ErrRaced, have.Entry)
		}
	}
	j.settled(done)
	t.notes = left
	return len(done) > 0, nil
}

// wait waits before the store is tried again; the error is the one given if
// that is of no use any more.
func (t *try) wait(ctx context.Context, err error) error {
	const first, most = 10 * time.Millisecond, time.Second
	d := min(most, first<<min(t.failed, 10))
	t.failed++
	if errors.Is(err, store.ErrClosed) || errors.Is(err, commit.ErrClosed) || time.Now().Add(d).After(t.until) {
		return err
	}
	timer := time.NewTimer(d/2 + rand.N(d/2))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return err
	}
}
