package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Commit implements store.Store. A group that could not be written because
// the disk is full is Failed, and the store goes on once there is room. After
// an input or output error while committing, outcomes are Unknown and the
// store refuses everything until it was opened anew: what a failed sync left
// on the disk can't be known.
func (s *Store) Commit(ctx context.Context, p store.Partition, batches []store.Batch) []store.Outcome {
	outcomes := make([]store.Outcome, len(batches))
	if err := s.enterCommit(ctx, p); err != nil {
		fail(outcomes, err)
		return outcomes
	}
	defer s.gate.leaveWriter()
	if broken := s.broken.Load(); broken != nil {
		broken.refuse(batches, outcomes)
		return outcomes
	}
	s.commit(ctx, batches, outcomes)
	return outcomes
}

func (s *Store) enterCommit(ctx context.Context, p store.Partition) error {
	if err := partition(p); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := s.gate.enterWriter(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func fail(outcomes []store.Outcome, err error) {
	for i := range outcomes {
		outcomes[i] = store.Outcome{Status: store.Failed, Err: err}
	}
}

// errStale: the writer's memory does not agree with the database, so the
// group is judged again without that memory.
var errStale = errors.New("a stream's head is not where the writer left it")

func (s *Store) commit(ctx context.Context, batches []store.Batch, outcomes []store.Outcome) {
	w := s.writer
	err := w.write(ctx, batches, outcomes)
	if errors.Is(err, errStale) {
		if err = w.undo(); err == nil {
			err = w.write(ctx, batches, outcomes)
		}
	}
	if err != nil {
		s.settle(batches, outcomes, err)
		return
	}
	if err := run(w.stmt.commit); err != nil {
		s.doubt(batches, outcomes, err)
		return
	}
	w.position = w.group.position
	s.head.Store(w.position)
	place(batches, outcomes)
}

// write judges and writes a group in an open transaction.
func (w *writer) write(ctx context.Context, batches []store.Batch, outcomes []store.Outcome) error {
	w.heads.trim()
	w.group.reset(w.position)
	if err := run(w.stmt.begin); err != nil {
		return err
	}
	w.room.keep()
	for i := range batches {
		if i%64 == 63 && ctx.Err() != nil {
			return ctx.Err()
		}
		var err error
		if outcomes[i], err = w.judge(&batches[i]); err != nil {
			return err
		}
	}
	if err := w.writeHeads(); err != nil {
		return err
	}
	return w.writeAges()
}

// place tells each event of a durable batch where it stands.
func place(batches []store.Batch, outcomes []store.Outcome) {
	for i := range batches {
		if outcomes[i].Status != store.Durable {
			continue
		}
		appends := batches[i].Appends
		at := outcomes[i].Position
		for j := len(appends) - 1; j >= 0; j-- {
			events := appends[j].Events
			for k := len(events) - 1; k >= 0; k-- {
				events[k].Partition, events[k].Position = 0, at
				at--
			}
		}
	}
}

// undo rolls back and forgets what was held in memory about the database.
func (w *writer) undo() error {
	w.heads.clear()
	clear(w.types)
	if w.conn.AutocommitEnabled() {
		return nil // SQLite has rolled back by itself
	}
	return run(w.stmt.rollback)
}

// settle ends a group that failed before its commit: nothing of it is stored.
// A batch that was stored earlier is still answered as a duplicate, so
// that nobody takes a repeated command for one that never ran.
func (s *Store) settle(batches []store.Batch, outcomes []store.Outcome, cause error) {
	if err := s.writer.undo(); err != nil {
		s.suspend(batches, outcomes, fmt.Errorf("roll back: %w", err))
		return
	}
	err := explain("commit", s.layout, cause)
	for i := range batches {
		var lookErr error
		outcomes[i], lookErr = s.writer.repeat(&batches[i], store.Outcome{Status: store.Failed, Err: err})
		if lookErr != nil {
			outcomes[i] = store.Outcome{Status: store.Unknown, Err: err}
		}
	}
}

// doubt ends a group whose commit failed.
func (s *Store) doubt(batches []store.Batch, outcomes []store.Outcome, cause error) {
	if isDoubtful(cause) {
		s.suspend(batches, outcomes, explain("commit", s.layout, cause))
		return
	}
	s.settle(batches, outcomes, cause)
}
