package sqlite

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// layout is what a database file of ours must be.
type layout struct {
	file        string // name in the folder
	application int32  // PRAGMA application_id, so that a foreign file is recognised
	format      int32  // PRAGMA user_version
	schema      string
	upgrades    []string // what brings format 1 to 2, format 2 to 3 and so on
	meta        string   // the table that holds the identity
	mend        string   // what to do when the file is damaged
}

// eventsLayout is the log. Times are microseconds since 1970 in UTC.
//
// The events of a stream are a chain: prev is the position of the stream's
// event before this one, anchor that of the last one before it whose version
// is a multiple of the stride, heads the end of the chain. Moving a head from
// the expected version is the fence of an append; so no index by stream is
// kept, whose pages cost more to write than the events.
//
// In events, a correlation or causation of NULL is the command's id and an
// empty one is none. result_ages lists, for each commit, the keys of the
// results that it stored, so that old results are found without an index by
// time.
func eventsLayout() layout {
	return layout{
		file: "events.db", application: 0x746c7865, format: 2, schema: eventsSchema + logView() + recordsSchema, meta: "meta",
		upgrades: []string{recordsSchema},
		mend:     "stop the program, keep a copy of the folder, and put a backup in the place of events.db",
	}
}

const eventsSchema = `
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE types(type INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE streams(stream INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, UNIQUE(id, type));
CREATE TABLE heads(stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, position INTEGER NOT NULL, anchor INTEGER NOT NULL);
CREATE TABLE events(
	position INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL,
	version INTEGER NOT NULL,
	prev INTEGER NOT NULL,
	anchor INTEGER NOT NULL,
	type INTEGER NOT NULL,
	schema INTEGER NOT NULL,
	time INTEGER NOT NULL,
	sum INTEGER,
	id BLOB,
	command BLOB,
	correlation BLOB,
	causation BLOB,
	metadata TEXT,
	data TEXT
);
CREATE TABLE results(key BLOB PRIMARY KEY, time INTEGER NOT NULL, result BLOB) WITHOUT ROWID;
CREATE TABLE result_ages(seq INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, keys BLOB NOT NULL);
CREATE INDEX result_ages_oldest ON result_ages(oldest);
CREATE TABLE marks(consumer TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
`

// recordsSchema is what format 2 has beyond format 1. A record that is never due
// has no due, and is not in the index.
const recordsSchema = `
CREATE TABLE records(
	space TEXT NOT NULL,
	key TEXT NOT NULL,
	rev BLOB NOT NULL,
	due INTEGER,
	sum INTEGER,
	data TEXT,
	PRIMARY KEY(space, key)
) WITHOUT ROWID;
CREATE INDEX records_due ON records(space, due, key) WHERE due IS NOT NULL;
`

// logView shows the log to people; talix itself never reads it.
func logView() string {
	id := func(column string) string {
		return fmt.Sprintf("lower(substr(hex(%[1]s),1,8)||'-'||substr(hex(%[1]s),9,4)||'-'||substr(hex(%[1]s),13,4)||'-'||substr(hex(%[1]s),17,4)||'-'||substr(hex(%[1]s),21))", column)
	}
	cause := func(column string) string {
		return fmt.Sprintf("CASE WHEN e.%[1]s IS NULL THEN %[2]s WHEN length(e.%[1]s) = 16 THEN %[3]s END", column, id("e.command"), id("e."+column))
	}
	const micros = "(e.time%1000000 + 1000000)%1000000" // of the second, before 1970 too
	columns := []string{
		"e.position",
		"strftime('%Y-%m-%dT%H:%M:%S', (e.time - " + micros + ")/1000000, 'unixepoch') || printf('.%06dZ', " + micros + ") AS time",
		"s.type AS entity", "s.id AS entity_id", "e.version", "t.name AS type", "e.schema",
		"e.data", "e.metadata",
		id("e.id") + " AS id", id("e.command") + " AS command",
		cause("correlation") + " AS correlation", cause("causation") + " AS causation",
	}
	return "CREATE VIEW log AS SELECT " + strings.Join(columns, ",\n\t") +
		"\nFROM events e JOIN streams s ON s.stream = e.stream JOIN types t ON t.type = e.type;\n"
}

// create makes a complete, synced database file under a temporary name and
// gives it its own name last, so that a file with that name is never half made.
func (l layout) create(dir string, identity store.ID) error {
	path := filepath.Join(dir, l.file)
	draft := path + ".new"
	if err := removeAll(draft, draft+"-journal"); err != nil {
		return err
	}
	if err := l.write(draft, identity); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	if err := os.Rename(draft, path); err != nil {
		return fmt.Errorf("create %s: %w", path, err)
	}
	return syncDir(dir)
}

func (l layout) write(path string, identity store.ID) error {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite|sqlite.OpenCreate)
	if err != nil {
		return err
	}
	script := fmt.Sprintf("PRAGMA application_id=%d; PRAGMA user_version=%d; %s INSERT INTO %s VALUES('identity', '%s');",
		l.application, l.format, l.schema, l.meta, identity)
	err = sqlitex.ExecuteTransient(conn, "PRAGMA synchronous=FULL", nil)
	if err == nil {
		err = sqlitex.ExecuteScript(conn, script, nil)
	}
	if closed := conn.Close(); err == nil {
		err = closed
	}
	return err
}

func removeAll(paths ...string) error {
	for _, path := range paths {
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("remove %s: %w", path, err)
		}
	}
	return nil
}
