package sqlite

import (
	"fmt"
	"strings"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// tableStatements are prepared once for a table.
type tableStatements struct {
	key              []int // indexes of the key columns
	get, put, remove *sqlite.Stmt
	scans            []*sqlite.Stmt // by the length of the prefix
}

func (s *tableStatements) finalize() {
	for _, stmt := range append(s.scans, s.get, s.put, s.remove) {
		if stmt != nil {
			stmt.Finalize()
		}
	}
}

// tablesKept bounds the tables whose statements stay prepared.
const tablesKept = 1024

func (w *viewWriter) statements(s *table.Schema) (*tableStatements, error) {
	if st := w.tables[s]; st != nil {
		return st, nil
	}
	if err := checkSchema(s); err != nil {
		return nil, err
	}
	st := &tableStatements{key: s.Key()}
	for _, p := range []struct {
		stmt **sqlite.Stmt
		text string
	}{{&st.get, selectRow(s)}, {&st.put, upsertRow(s)}, {&st.remove, deleteRow(s)}} {
		var err error
		if *p.stmt, _, err = w.conn.PrepareTransient(p.text); err != nil {
			st.finalize()
			return nil, fmt.Errorf("prepare table %s: %w (has Ensure made it?)", s.Name, err)
		}
	}
	if len(w.tables) >= tablesKept {
		w.forgetTables()
	}
	w.tables[s] = st
	return st, nil
}

func (w *viewWriter) forgetTables() {
	for s, st := range w.tables {
		st.finalize()
		delete(w.tables, s)
	}
}

func columnNames(s *table.Schema) []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = quoted(c.Name)
	}
	return names
}

// scan is the statement for rows under a prefix of the key.
func (w *viewWriter) scan(s *table.Schema, st *tableStatements, prefix int) (*sqlite.Stmt, error) {
	if st.scans == nil {
		st.scans = make([]*sqlite.Stmt, len(st.key)+1)
	}
	if st.scans[prefix] != nil {
		return st.scans[prefix], nil
	}
	text := "SELECT " + strings.Join(columnNames(s), ", ") + " FROM " + quoted(s.Name)
	if prefix > 0 {
		text += " WHERE " + equal(s, st.key[:prefix])
	}
	stmt, _, err := w.conn.PrepareTransient(text + " ORDER BY " + listed(s, st.key))
	st.scans[prefix] = stmt
	return stmt, err
}

// equal is the condition that columns have given values.
func equal(s *table.Schema, columns []int) string {
	conditions := make([]string, len(columns))
	for i, c := range columns {
		conditions[i] = quoted(s.Columns[c].Name) + " = ?"
	}
	return strings.Join(conditions, " AND ")
}

func selectRow(s *table.Schema) string {
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s", strings.Join(columnNames(s), ", "), quoted(s.Name), equal(s, s.Key()))
}

func deleteRow(s *table.Schema) string {
	return fmt.Sprintf("DELETE FROM %s WHERE %s", quoted(s.Name), equal(s, s.Key()))
}

func upsertRow(s *table.Schema) string {
	names := columnNames(s)
	var sets []string
	for i, c := range s.Columns {
		if !c.Key {
			sets = append(sets, names[i]+" = excluded."+names[i])
		}
	}
	action := "NOTHING"
	if len(sets) > 0 {
		action = "UPDATE SET " + strings.Join(sets, ", ")
	}
	return fmt.Sprintf("INSERT INTO %s(%s) VALUES(%s) ON CONFLICT(%s) DO %s", quoted(s.Name), strings.Join(names, ", "),
		strings.TrimSuffix(strings.Repeat("?, ", len(names)), ", "), listed(s, s.Key()), action)
}
