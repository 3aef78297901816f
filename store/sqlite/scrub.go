package sqlite

import (
	"context"
	"errors"
	"fmt"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// errScrub: queries go on for as long as they do.
var errScrub = errors.New("queries under way still read the write-ahead log; try again once they have ended")

// scrubFor is how long Scrub waits for queries to end.
const scrubFor = 10 * time.Second

// Scrub sees to it that nothing of rows and tables that were deleted is left in
// views.db or its write-ahead log. In the database, what is deleted is written
// over with zeros at once; the log, which may have it still, is folded away. It
// waits for queries that read the log, and fails if they take too long.
func (t *Tables) Scrub(ctx context.Context) error {
	until := time.Now().Add(scrubFor)
	for {
		whole, err := t.fold(ctx)
		switch {
		case err != nil:
			return t.explain("fold the write-ahead log away", err)
		case whole:
			return nil
		case time.Now().After(until):
			return fmt.Errorf("fold the write-ahead log away: %w", errScrub)
		}
		timer := time.NewTimer(10 * time.Millisecond)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// fold tells whether it folded the log away.
func (t *Tables) fold(ctx context.Context) (whole bool, err error) {
	if err := t.gate.enterWriter(ctx); err != nil {
		return false, err
	}
	defer t.gate.leaveWriter()
	conn := t.writer.conn
	conn.SetBusyTimeout(0) // other writers must not wait
	defer conn.SetBusyTimeout(5 * time.Second)
	err = sqlitex.ExecuteTransient(conn, "PRAGMA wal_checkpoint(TRUNCATE)", &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		whole = stmt.ColumnInt64(0) == 0
		return nil
	}})
	if sqlite.ErrCode(err).ToPrimary() == sqlite.ResultBusy {
		return false, nil
	}
	return whole, err
}
