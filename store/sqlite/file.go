package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/talix-dev/talix/store"
)

// makeDir makes the folder and the ones above it durably.
func makeDir(dir string) error {
	if info, err := os.Stat(dir); err == nil {
		if !info.IsDir() {
			return fmt.Errorf("open folder %s: it is a file; name a folder", dir)
		}
		return nil
	}
	parent := filepath.Dir(dir)
	if parent != dir {
		if err := makeDir(parent); err != nil {
			return err
		}
	}
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return fmt.Errorf("make folder: %w (give this user the right to write in %s, or name another folder)", err, parent)
	}
	return syncDir(parent)
}

// inspect reads the header of a database file before SQLite does, because
// SQLite repairs, replays or deletes things when it opens a file. It tells
// whether there is a file.
func (l layout) inspect(dir string) (exists bool, err error) {
	path := filepath.Join(dir, l.file)
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if errors.Is(err, os.ErrNotExist) {
		return false, l.orphan(path)
	}
	if err != nil {
		return true, fmt.Errorf("open database: %w (this user must be able to read and write it)", err)
	}
	defer f.Close()
	header := make([]byte, 100)
	if _, err := io.ReadFull(f, header); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return true, l.damaged(path, errors.New("it is cut off before the end of its header"))
		}
		return true, fmt.Errorf("read database: %w", err)
	}
	return true, l.judge(path, header)
}

// orphan refuses a write-ahead log whose database is gone: SQLite would
// delete it when it makes a new database.
func (l layout) orphan(path string) error {
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		return l.damaged(path, errors.New("it is missing, but its write-ahead log is there"))
	}
	return nil
}

func (l layout) judge(path string, header []byte) error {
	if string(header[:16]) != "SQLite format 3\x00" {
		return l.damaged(path, errors.New("its header is not that of an SQLite database"))
	}
	if id := int32(binary.BigEndian.Uint32(header[68:])); id != l.application {
		return fmt.Errorf("open %s: %w: it is an SQLite database of another program (application id %d); name another folder", path, store.ErrForeign, id)
	}
	return l.judgeFormat(path, int32(binary.BigEndian.Uint32(header[60:])))
}

// judgeFormat refuses what can't be brought to the format of this release.
func (l layout) judgeFormat(path string, format int32) error {
	if format > l.format || format < l.format-int32(len(l.upgrades)) {
		return fmt.Errorf("open %s: %w: it has format %d and this release knows format %d; use the release that wrote it or a newer one", path, store.ErrForeign, format, l.format)
	}
	return nil
}

func (l layout) damaged(path string, cause error) error {
	return fmt.Errorf("open %s: %w: %w; %s", path, store.ErrCorrupt, cause, l.mend)
}
