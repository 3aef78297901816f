package sqlite

import (
	"fmt"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// explain wraps an error of SQLite with what it was about and how to mend it.
func explain(doing string, l layout, err error) error {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultOK:
		return nil
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultFormat:
		return fmt.Errorf("%s: %s: %w: %w; %s", doing, l.file, store.ErrCorrupt, err, l.mend)
	case sqlite.ResultFull:
		return fmt.Errorf("%s: the disk is full: %w; make room on it, the store goes on then", doing, err)
	case sqlite.ResultBusy:
		return fmt.Errorf("%s: another program holds a lock on %s: %w; close that program", doing, l.file, err)
	case sqlite.ResultReadOnly, sqlite.ResultPerm, sqlite.ResultCantOpen:
		return fmt.Errorf("%s: %w; this user must be able to read and write %s and its folder", doing, err, l.file)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// isDamage tells that SQLite found the file malformed.
func isDamage(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultFormat:
		return true
	}
	return false
}

// isDoubtful tells that nobody knows what a failed commit left on the disk. A
// full disk stops the write before the frame that makes it a commit, and the
// other codes come from before anything was written.
func isDoubtful(err error) bool {
	switch sqlite.ErrCode(err).ToPrimary() {
	case sqlite.ResultIOErr, sqlite.ResultCorrupt, sqlite.ResultNotADB, sqlite.ResultInternal, sqlite.ResultMisuse:
		return true
	}
	return false
}
