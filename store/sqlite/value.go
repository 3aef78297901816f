package sqlite

import (
	"fmt"
	"math"
	"unsafe"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

// bind binds the value of a column. SQLite has no NaN: it is NULL.
func bind(stmt *sqlite.Stmt, param int, s *table.Schema, column int, v table.Value) error {
	c := &s.Columns[column]
	kind := v.Kind()
	if kind == table.Float && math.IsNaN(v.Float()) {
		kind = table.Null
	}
	switch {
	case kind == table.Null && !c.Null:
		return fmt.Errorf("column %s of table %s does not allow NULL", c.Name, s.Name)
	case kind == table.Null:
		stmt.BindNull(param)
	case kind == table.Int && c.Kind == table.Float:
		stmt.BindFloat(param, float64(v.Int()))
	case kind != c.Kind:
		return fmt.Errorf("column %s of table %s holds %s, not %s", c.Name, s.Name, sqlType(c.Kind), sqlType(kind))
	default:
		bindValue(stmt, param, v)
	}
	return nil
}

func bindValue(stmt *sqlite.Stmt, param int, v table.Value) {
	switch v.Kind() {
	case table.Int:
		stmt.BindInt64(param, v.Int())
	case table.Float:
		stmt.BindFloat(param, v.Float())
	case table.Text:
		stmt.BindText(param, v.Text())
	case table.Blob:
		// The binding copies the bytes and does not write to them.
		text := v.Text()
		stmt.BindBytes(param, unsafe.Slice(unsafe.StringData(text), len(text)))
	default:
		stmt.BindNull(param)
	}
}

// values appends the columns of the row that stmt is on.
func values(stmt *sqlite.Stmt, row []table.Value) []table.Value {
	for i := range stmt.ColumnCount() {
		row = append(row, value(stmt, i))
	}
	return row
}

func value(stmt *sqlite.Stmt, column int) table.Value {
	switch stmt.ColumnType(column) {
	case sqlite.TypeInteger:
		return table.IntValue(stmt.ColumnInt64(column))
	case sqlite.TypeFloat:
		return table.FloatValue(stmt.ColumnFloat(column))
	case sqlite.TypeText:
		return table.TextValue(stmt.ColumnText(column))
	case sqlite.TypeBlob:
		return table.BlobValue(stmt.ColumnText(column))
	}
	return table.Value{}
}
