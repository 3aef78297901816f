package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

func (l layout) path(dir string) string { return filepath.Join(dir, l.file) }

// probe reads through a connection that can't write whether the schema is
// whole, and returns the identity.
func (l layout) probe(path string) (id store.ID, err error) {
	conn, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		return id, explain("open database", l, err)
	}
	defer func() {
		if closed := conn.Close(); err == nil && closed != nil {
			err = explain("close database", l, closed)
		}
	}()
	text, err := scalar(conn, "SELECT value FROM "+l.meta+" WHERE name = 'identity'")
	if err == nil {
		_, err = scalar(conn, "SELECT count(*) FROM (SELECT sql FROM sqlite_schema)")
	}
	var format int32
	if err == nil {
		format, err = formatOf(conn)
	}
	if err != nil {
		return id, l.unreadable(path, err)
	}
	if id, err = store.ParseID(text); err != nil {
		return id, l.damaged(path, fmt.Errorf("read identity: %w", err))
	}
	return id, l.judgeFormat(path, format) // the header in the file may be older than the log
}

// formatOf is the format of a file with its write-ahead log.
func formatOf(conn *sqlite.Conn) (int32, error) {
	text, err := scalar(conn, "PRAGMA user_version")
	if err != nil {
		return 0, err
	}
	format, err := strconv.ParseInt(text, 10, 32)
	return int32(format), err
}

// unreadable tells damage from other causes. A complete file of ours always
// has the tables, so a missing one is damage as well.
func (l layout) unreadable(path string, err error) error {
	if isDamage(err) || sqlite.ErrCode(err) == sqlite.ResultError {
		return l.damaged(path, err)
	}
	return explain("open "+path, l, err)
}

var errNoRow = errors.New("a row is missing")

// scalar is the first column of the only row of a query.
func scalar(conn *sqlite.Conn, query string) (string, error) {
	text, found := "", false
	err := sqlitex.ExecuteTransient(conn, query, &sqlitex.ExecOptions{ResultFunc: func(stmt *sqlite.Stmt) error {
		text, found = stmt.ColumnText(0), true
		return nil
	}})
	if err == nil && !found {
		err = errNoRow
	}
	return text, err
}

// configure runs pragmas and the like.
func configure(conn *sqlite.Conn, statements ...string) error {
	for _, statement := range statements {
		if err := sqlitex.ExecuteTransient(conn, statement, nil); err != nil {
			return fmt.Errorf("%s: %w", statement, err)
		}
	}
	return nil
}
