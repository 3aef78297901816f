package sqlite

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"

	"github.com/talix-dev/talix/store"
)

// viewsLayout is the file of view tables. Names with the prefix _talix_ are
// its own.
func viewsLayout() layout {
	return layout{
		file: "views.db", application: 0x746c7876, format: 2, meta: "_talix_meta",
		upgrades: []string{viewsUpgrade},
		mend:     "start the program again: the file is then set aside and its tables are made again from the log",
		schema: `
CREATE TABLE _talix_meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE _talix_views(name TEXT PRIMARY KEY COLLATE NOCASE, view TEXT NOT NULL COLLATE NOCASE, fingerprint TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE _talix_marks(view TEXT NOT NULL COLLATE NOCASE, partition INTEGER NOT NULL, position INTEGER NOT NULL, PRIMARY KEY(view, partition)) WITHOUT ROWID;
`,
	}
}

// viewsUpgrade: in format 1, each table was a view of its own.
const viewsUpgrade = `
ALTER TABLE _talix_views ADD COLUMN view TEXT NOT NULL COLLATE NOCASE DEFAULT '';
UPDATE _talix_views SET view = name;
`

// damageNote is a file that tells that damage was found while running.
func damageNote(path string) string { return path + "-damaged" }

// claimViews locks the folder and sees to it that views.db is whole.
func claimViews(l layout, config TablesConfig) (*lock, error) {
	if err := makeDir(config.Dir); err != nil {
		return nil, err
	}
	lock, err := lockDir(config.Dir, "views.lock")
	if err != nil {
		return nil, err
	}
	if err := l.whole(config); err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

func (l layout) whole(config TablesConfig) error {
	exists, err := l.sound(config.Dir)
	if cause := err; errors.Is(err, store.ErrCorrupt) {
		var to string
		if to, err = l.setAside(config.Dir); err != nil {
			return err
		}
		config.Log.Warn("views.db was damaged; the views are made again from the log", "set aside as", to, "error", cause)
		exists = false
	}
	if err != nil || exists {
		return err
	}
	var identity store.ID
	rand.Read(identity[:])
	return l.create(config.Dir, identity)
}

// sound tells whether the file exists, and what is wrong with it.
func (l layout) sound(dir string) (bool, error) {
	exists, err := l.inspect(dir)
	if err != nil || !exists {
		return exists, err
	}
	path := l.path(dir)
	if _, err := os.Stat(damageNote(path)); err == nil {
		return true, l.damaged(path, errors.New("damage was found while it was in use"))
	}
	_, err = l.probe(path)
	return true, err
}

// setAside renames the file and its write-ahead log.
func (l layout) setAside(dir string) (string, error) {
	path := l.path(dir)
	to := ""
	for n := 1; to == ""; n++ {
		name := fmt.Sprintf("%s.damaged-%d", path, n)
		if vacant(name) == nil && vacant(name+"-wal") == nil {
			to = name
		}
	}
	for _, suffix := range []string{"", "-wal"} {
		if err := os.Rename(path+suffix, to+suffix); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("set damaged %s aside: %w", path, err)
		}
	}
	return to, removeAll(path+"-shm", damageNote(path))
}
