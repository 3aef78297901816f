package work

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// Sweep names records that are deleted when they are due, in whatever partition
// they are: what is left of work that nobody came back to.
type Sweep struct {
	Space string
	// Keep, if set, is asked about each record whose time has come: it is kept
	// for as long again as is answered, if that is above zero.
	Keep func(ctx context.Context, p store.Partition, rec store.Record) (time.Duration, error)
}

// sweep sweeps now and then until ctx ends.
func (r *Runner) sweep(ctx context.Context, once func(context.Context) error) {
	for wait(ctx, r.cfg.SweepEvery) {
		if err := once(ctx); err != nil {
			r.sweeping.failed(ctx, "delete what is not needed any more", err)
			continue
		}
		r.sweeping.worked()
	}
}

func (r *Runner) sweepAll(ctx context.Context) error {
	var errs []error
	for p := range r.parts {
		errs = append(errs, r.sweepPart(ctx, store.Partition(p)))
	}
	return errors.Join(errs...)
}

func (r *Runner) sweepPart(ctx context.Context, p store.Partition) error {
	var errs []error
	for i := range r.cfg.Sweep {
		errs = append(errs, r.sweepSpace(ctx, p, &r.cfg.Sweep[i]))
	}
	return errors.Join(errs...)
}

// sweepSpace deletes what is due in a space, a page after the other.
func (r *Runner) sweepSpace(ctx context.Context, p store.Partition, s *Sweep) error {
	now := r.cfg.Now()
	for at := (store.Record{}); ctx.Err() == nil; {
		page, err := r.keeper.Due(ctx, p, s.Space, at, now, pageSize)
		if err != nil {
			return fmt.Errorf("read what is due in %q: %w", s.Space, err)
		}
		if err := r.sweepPage(ctx, p, s, page); err != nil || len(page) < pageSize {
			return err
		}
		at = position(&page[len(page)-1])
	}
	return nil
}

// sweepPage gives each record a batch of its own, so that one which is written
// meanwhile stays, and keeps no other. What could not be deleted is due the
// next time too.
func (r *Runner) sweepPage(ctx context.Context, p store.Partition, s *Sweep, page []store.Record) error {
	changes := make([]store.Change, len(page))
	for i := range page {
		var err error
		if changes[i], err = r.fate(ctx, p, s, &page[i]); err != nil {
			return fmt.Errorf("ask whether to keep %q in %q: %w", page[i].Key, s.Space, err)
		}
	}
	pending := make([]*commit.Pending, len(page))
	for i := range changes {
		pending[i] = r.cfg.Group(p).Submit(store.Batch{Records: changes[i : i+1]}, nil)
	}
	var err error
	for _, b := range pending {
		if !b.Wait(ctx) {
			return context.Cause(ctx)
		}
		err = cmp.Or(err, b.Outcome().Err)
	}
	return err
}

// fate is what becomes of a record that is due.
func (r *Runner) fate(ctx context.Context, p store.Partition, s *Sweep, rec *store.Record) (store.Change, error) {
	gone := store.Change{Op: store.Delete, From: rec.Rev, Record: store.Record{Space: s.Space, Key: rec.Key}}
	if s.Keep == nil {
		return gone, nil
	}
	more, err := s.Keep(ctx, p, *rec)
	if err != nil || more <= 0 {
		return gone, err
	}
	kept := *rec
	kept.Rev, kept.Due = r.cfg.NewRev(), r.cfg.Now().Add(more)
	return store.Change{Op: store.Put, From: rec.Rev, Record: kept}, nil
}
