package sqlite

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// writer is the one connection that changes events.db, with what it holds in
// memory about it. It belongs to whoever has the gate's turn.
type writer struct {
	layout  layout
	conn    *sqlite.Conn
	stmt    statements
	heads   *cache[store.Stream, *head]
	types   map[string]int64
	scratch []byte

	position int64 // last committed
	stream   int64 // last stream number given; numbers may skip
	group    group
	room     room
}

// statements are prepared once.
type statements struct {
	begin, commit, rollback        *sqlite.Stmt
	findHead, moveHead, addHead    *sqlite.Stmt
	findStream, addStream          *sqlite.Stmt
	addEvent, findLink             *sqlite.Stmt
	findType, addType              *sqlite.Stmt
	findResult, addResult, addAges *sqlite.Stmt
	findMark, putMark              *sqlite.Stmt
	records                        recordStatements
}

// statementText is what a statement is prepared from.
type statementText struct {
	stmt **sqlite.Stmt
	text string
}

// checkpointPages is how long the write-ahead log grows before its pages are
// copied into the database. Readers go in short portions, so that none holds
// it up for long.
const checkpointPages = 16000

func openWriter(l layout, path string, config Config) (*writer, error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadWrite)
	if err != nil {
		return nil, explain("open database", l, err)
	}
	conn.SetBusyTimeout(5 * time.Second)
	w := &writer{layout: l, conn: conn, heads: newCache[store.Stream, *head](config.Heads), types: make(map[string]int64)}
	w.room = room{path: path + "-wal", off: config.NoSync}
	if err := w.start(config.NoSync); err != nil {
		conn.Close()
		return nil, l.unreadable(path, err)
	}
	return w, nil
}

func (w *writer) start(noSync bool) error {
	sync := "PRAGMA synchronous=FULL"
	if noSync {
		sync = "PRAGMA synchronous=OFF"
	}
	// A sync of macOS reaches the disk's cache only, unless full.
	err := configure(w.conn, "PRAGMA journal_mode=WAL", sync, "PRAGMA fullfsync=ON", "PRAGMA checkpoint_fullfsync=ON",
		fmt.Sprintf("PRAGMA wal_autocheckpoint=%d", checkpointPages), "PRAGMA journal_size_limit=134217728", "PRAGMA cache_size=-65536")
	if err != nil {
		return err
	}
	if err := w.layout.upgrade(w.conn); err != nil {
		return err
	}
	if err := w.prepare(); err != nil {
		return err
	}
	return w.restore()
}

func (w *writer) prepare() error {
	s := &w.stmt
	for _, p := range append(s.records.texts(), []statementText{
		{&s.begin, "BEGIN IMMEDIATE"}, {&s.commit, "COMMIT"}, {&s.rollback, "ROLLBACK"},
		{&s.findStream, "SELECT stream FROM streams WHERE id = ? AND type = ?"},
		{&s.findHead, "SELECT version, position, anchor FROM heads WHERE stream = ?"},
		{&s.moveHead, "UPDATE heads SET version = ?, position = ?, anchor = ? WHERE stream = ? AND version = ?"},
		{&s.addHead, "INSERT INTO heads(version, position, anchor, stream) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING"},
		{&s.addStream, "INSERT INTO streams(stream, type, id) VALUES(?, ?, ?) ON CONFLICT DO NOTHING"},
		{&s.addEvent, "INSERT INTO events(" + eventColumns + ") VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
		{&s.findLink, "SELECT prev, anchor, command FROM events WHERE position = ? AND stream = ? AND version = ?"},
		{&s.findType, "SELECT type FROM types WHERE name = ?"},
		{&s.addType, "INSERT INTO types(name) VALUES(?)"},
		{&s.findResult, "SELECT result FROM results WHERE key = ?"},
		{&s.addResult, "INSERT INTO results(key, time, result) VALUES(?, ?, ?) ON CONFLICT DO NOTHING"},
		{&s.addAges, "INSERT INTO result_ages(oldest, keys) VALUES(?, ?)"},
		{&s.findMark, "SELECT position FROM marks WHERE consumer = ?"},
		{&s.putMark, "INSERT INTO marks(consumer, position) VALUES(?, ?) ON CONFLICT(consumer) DO UPDATE SET position = excluded.position"},
	}...) {
		var err error
		if *p.stmt, err = w.conn.Prepare(p.text); err != nil {
			return err
		}
	}
	return nil
}

// restore reads where the log ends.
func (w *writer) restore() error {
	last, err := w.conn.Prepare("SELECT coalesce((SELECT max(position) FROM events), 0), coalesce((SELECT max(stream) FROM streams), 0)")
	if err != nil {
		return err
	}
	defer last.Finalize()
	if _, err := last.Step(); err != nil {
		return err
	}
	w.position, w.stream = last.ColumnInt64(0), last.ColumnInt64(1)
	return nil
}

// close folds the write-ahead log away; if it can't, the log stays and is
// read by the next Open.
func (w *writer) close() error {
	w.room.close()
	_ = configure(w.conn, "PRAGMA wal_checkpoint(TRUNCATE)")
	return w.conn.Close()
}

// run executes a statement that returns no rows.
func run(stmt *sqlite.Stmt) error {
	if _, err := stmt.Step(); err != nil {
		return err
	}
	return stmt.Reset()
}
