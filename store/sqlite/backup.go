package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"zombiezen.com/go/sqlite"
)

// backupPages is how many pages are copied before ctx is looked at.
const backupPages = 1024

// Backup writes the store as it is at this moment into a new file, which must
// not exist. Commits go on meanwhile; the write-ahead log grows until the
// backup has ended. The file is complete and synced when Backup returns nil;
// after an error there is none. To restore, put it as events.db into an empty
// folder.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.readable(ctx, 0); err != nil {
		return fmt.Errorf("back up store: %w", err)
	}
	defer s.gate.leave()
	if err := s.backup(ctx, path); err != nil {
		return explain("back up store to "+path, s.layout, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) error {
	if err := vacant(path); err != nil {
		return err
	}
	draft := path + ".partial"
	f, err := os.OpenFile(draft, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("make file: %w (if no other backup is under way, remove it)", err)
	}
	defer os.Remove(draft) // is gone after success
	err = s.copyTo(ctx, draft)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = vacant(path)
	}
	if err == nil {
		err = os.Rename(draft, path)
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func vacant(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return errors.New("the file exists already; name another one")
	} else if !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// copyTo copies what is stored at one moment.
func (s *Store) copyTo(ctx context.Context, path string) error {
	source, err := openReader(s.path)
	if err != nil {
		return err
	}
	defer source.close()
	// A copy would begin again with each commit, were it not for one snapshot.
	if err := configure(source.conn, "BEGIN", "SELECT count(*) FROM meta"); err != nil {
		return err
	}
	target, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return err
	}
	err = configure(target, "PRAGMA synchronous=OFF", "PRAGMA journal_mode=OFF")
	if err == nil {
		err = copyPages(ctx, target, source.conn)
	}
	return firstOf(err, target.Close())
}

func copyPages(ctx context.Context, target, source *sqlite.Conn) error {
	backup, err := sqlite.NewBackup(target, "main", source, "main")
	if err != nil {
		return err
	}
	defer backup.Close()
	for more := true; more; {
		if err := ctx.Err(); err != nil {
			return err
		}
		if more, err = backup.Step(backupPages); err != nil {
			return err
		}
	}
	return nil
}
