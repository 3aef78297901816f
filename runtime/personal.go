package runtime

import (
	"context"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
)

// Personal erases personal data, and tells what was erased. Its methods may be
// called from many goroutines. Errors are of type *talix.Error.
type Personal struct {
	r *Runtime
}

// Personal erases personal data. It needs Config.Keys.
func (r *Runtime) Personal() Personal { return Personal{r} }

// Erasure tells of a subject whose personal data was erased.
type Erasure struct {
	// Subject stands for the subject, without telling who it is: the same as in
	// the values that are stored of it.
	Subject string
	Time    time.Time
}

// PersonalStatus tells how far erasing is.
type PersonalStatus struct {
	// Views are those that are made anew: their rows may still have what was
	// erased.
	Views []string
	// Fault is why that does not go on at present, or nil; it is tried again by
	// itself.
	Fault error
}

// Erase destroys the key of a subject. When it returns nil, that is durable: no
// copy of the log, of snapshots, of kept work or of a backup can be read any
// more where it is about the subject, and nothing of it is in memory. Readers
// see zero values. What is to be written of the subject later fails with an
// ErrRejected, with status 410.
//
// Views that take events with personal fields are then made anew, and answer
// with the rows that they have meanwhile; Wait waits for that. They are
// also made anew if the program ends before.
//
// It is safe to repeat, and to be called for who has no data. There is no way
// back.
func (p Personal) Erase(ctx context.Context, subject string) (Erasure, error) {
	keys, err := p.keys()
	if err != nil {
		return Erasure{}, err
	}
	name, at, err := keys.erase(ctx, subject)
	if err != nil {
		return Erasure{}, talix.UserError(err)
	}
	return Erasure{name.String(), at}, nil
}

// Wait waits until no view has anything of what was erased before the call. It
// needs a runtime that was started.
func (p Personal) Wait(ctx context.Context) error {
	keys, err := p.keys()
	if err != nil {
		return err
	}
	if err := keys.follow(ctx); err != nil {
		return talix.UserError(registry.Faultf(registry.Unavailable, "the keys cannot be reached at the moment; try again later").Because(err))
	}
	ticker := time.NewTicker(goOnEvery)
	defer ticker.Stop()
	for upTo := keys.seen.Load(); keys.done.Load() < upTo; {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return talix.UserError(registry.Faultf(registry.Unavailable, "views are still made anew").Because(context.Cause(ctx)))
		}
	}
	return nil
}

// Status tells how far erasing is.
func (p Personal) Status() PersonalStatus {
	keys, err := p.keys()
	if err != nil || keys.done.Load() >= keys.seen.Load() {
		return PersonalStatus{}
	}
	keys.mu.Lock()
	defer keys.mu.Unlock()
	return PersonalStatus{Views: keys.stale(keys.seen.Load()), Fault: keys.fault}
}

// Erased lists up to max erasures in their order, beginning behind the one of
// that number, and tells the number of the last. Zero is before all.
func (p Personal) Erased(ctx context.Context, after int64, max int) (all []Erasure, last int64, err error) {
	if _, err := p.keys(); err != nil {
		return nil, 0, err
	}
	list, err := p.r.cfg.Keys.Erased(ctx, after, max)
	if err != nil {
		return nil, 0, talix.UserError(registry.Faultf(registry.Unavailable, "the keys cannot be reached at the moment; try again later").Because(err))
	}
	for _, e := range list {
		all, last = append(all, Erasure{e.Name.String(), e.Time}), e.Number
	}
	return all, last, nil
}

// Name is what stands for a subject in lists and in what is stored.
func (p Personal) Name(subject string) string {
	keys, err := p.keys()
	if err != nil {
		return ""
	}
	return keys.box.Name(subject).String()
}

func (p Personal) keys() (*personal, error) {
	if p.r.personal == nil {
		return nil, talix.NotFound("this runtime has no keys of personal data: set Config.Keys")
	}
	return p.r.personal, nil
}

// Erase implements registry.Eraser.
func (s *scope) Erase(ctx context.Context, subject string) error {
	if s.r.personal == nil {
		return registry.Faultf(registry.NotFound, "this runtime has no keys of personal data: set Config.Keys")
	}
	_, _, err := s.r.personal.erase(ctx, subject)
	return err
}
