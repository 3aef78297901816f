package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// Prepare implements table.Store. A query is one statement that reads and
// whose parameters are named with a colon.
func (t *Tables) Prepare(ctx context.Context, sql string, over []table.Schema) (table.Statement, error) {
	var s table.Statement
	describe := func(r *reader) (err error) {
		s, err = r.describe(sql)
		return err
	}
	var err error
	if len(over) == 0 {
		err = t.read(ctx, describe)
	} else if err = t.gate.enter(); err == nil {
		err = t.scratch.use(ctx, over, describe)
		t.gate.leave()
	}
	if err != nil {
		return table.Statement{}, t.explain("prepare query", err)
	}
	return s, nil
}

// describe compiles anew, as the authorizer is asked only then.
func (r *reader) describe(sql string) (s table.Statement, err error) {
	r.reads = make(map[string]struct{})
	stmt, err := r.compile(sql)
	s.Tables = slices.Sorted(maps.Keys(r.reads))
	r.reads = nil
	if err != nil {
		return s, err
	}
	defer stmt.Finalize()
	for i := range stmt.BindParamCount() {
		s.Params = append(s.Params, stmt.BindParamName(i + 1)[1:])
	}
	s.Columns = r.columns(stmt, sql)
	return s, nil
}

// openQueryReader opens a connection for users' queries.
func openQueryReader(path string) (*reader, error) {
	r, err := openReader(path)
	if err != nil {
		return nil, err
	}
	if err := r.forQueries(); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// forQueries makes a connection one for users' queries: what they may do, and
// what SQL means to them.
func (r *reader) forQueries() error {
	err := firstOf(configure(r.conn, "PRAGMA case_sensitive_like=ON"), letterCase(r.conn))
	if err != nil {
		return err
	}
	return r.conn.SetAuthorizer(sqlite.AuthorizeFunc(r.authorize))
}

// authorize lets a query read, and nothing else. Full text search asks for
// data_version by itself.
func (r *reader) authorize(action sqlite.Action) sqlite.AuthResult {
	switch action.Type() {
	case sqlite.OpRead:
		if r.reads != nil {
			r.reads[action.Table()] = struct{}{}
		}
		return sqlite.AuthResultOK
	case sqlite.OpSelect, sqlite.OpFunction, sqlite.OpRecursive:
		return sqlite.AuthResultOK
	case sqlite.OpPragma:
		if action.Pragma() == "data_version" {
			return sqlite.AuthResultOK
		}
	}
	return sqlite.AuthResultDeny
}

// statementsKept is how many users' statements a connection keeps prepared.
const statementsKept = 128

// statement prepares a user's query; it stays prepared for the next time.
func (r *reader) statement(sql string) (*sqlite.Stmt, error) {
	if stmt := r.own[sql]; stmt != nil {
		return stmt, nil
	}
	stmt, err := r.compile(sql)
	if err != nil {
		return nil, err
	}
	if len(r.own) >= statementsKept {
		for text, old := range r.own {
			old.Finalize()
			delete(r.own, text)
		}
	}
	r.own[sql] = stmt
	return stmt, nil
}

var (
	errWrites  = errors.New("a query may only read tables and views")
	errNoQuery = errors.New("this is not a query: it returns no columns")
	errSeveral = errors.New("there is more than one statement")
	errParam   = errors.New("parameters must be named with a colon, as in :vendor")
	errZero    = errors.New("the text holds a zero byte")
)

func (r *reader) compile(sql string) (*sqlite.Stmt, error) {
	if strings.IndexByte(sql, 0) >= 0 {
		return nil, errZero
	}
	stmt, trailing, err := r.conn.PrepareTransient(sql)
	if err != nil {
		if sqlite.ErrCode(err) == sqlite.ResultAuth {
			err = fmt.Errorf("%w: %w", errWrites, err)
		}
		return nil, err
	}
	if err := r.acceptable(stmt, sql[len(sql)-trailing:]); err != nil {
		stmt.Finalize()
		return nil, err
	}
	return stmt, nil
}

func (r *reader) acceptable(stmt *sqlite.Stmt, rest string) error {
	if stmt.ColumnCount() == 0 {
		return errNoQuery
	}
	for i := range stmt.BindParamCount() {
		if name := stmt.BindParamName(i + 1); !strings.HasPrefix(name, ":") {
			return fmt.Errorf("parameter %d %q: %w", i+1, name, errParam)
		}
	}
	return r.nothing(rest)
}

// nothing accepts spaces, comments and semicolons behind a statement.
func (r *reader) nothing(rest string) error {
	for rest != "" {
		stmt, trailing, err := r.conn.PrepareTransient(rest)
		if err != nil {
			return errSeveral
		}
		empty := stmt.ColumnCount() == 0 && trailing < len(rest)
		stmt.Finalize()
		if !empty {
			return errSeveral
		}
		rest = rest[len(rest)-trailing:]
	}
	return nil
}

// columns are the names of the result's columns. Of those with the same name
// the library tells one; a query around this one tells the others, with a
// number behind a colon.
func (r *reader) columns(stmt *sqlite.Stmt, sql string) []string {
	names := make([]string, stmt.ColumnCount())
	complete := true
	for i := range names {
		names[i] = stmt.ColumnName(i)
		complete = complete && names[i] != ""
	}
	if complete {
		return names
	}
	outer, _, err := r.conn.PrepareTransient("SELECT * FROM (\n" + strings.TrimRight(sql, "; \t\r\n") + "\n)")
	if err != nil {
		return names
	}
	defer outer.Finalize()
	for i := range names {
		if names[i] == "" {
			names[i], _, _ = strings.Cut(outer.ColumnName(i), ":")
		}
	}
	return names
}
