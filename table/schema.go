package table

// Schema describes one view table.
type Schema struct {
	Name    string // table name: letters, digits and underscores
	Columns []Column
	// Indexes are those over several columns, and unique ones. In a unique
	// index, rows with NULL in one of its columns differ from all others.
	Indexes []Index
	// View is the name under which the marks of the table's writer are kept.
	// Tables of one view have the same. Defaults to Name.
	View string
	// Fingerprint changes when the rows have to be made anew, because the
	// columns or the code that makes the rows changed.
	Fingerprint string
}

// Column is one column of a view table.
type Column struct {
	Name  string
	Kind  Kind
	Key   bool // part of the primary key, with the other columns that have it
	Null  bool // NULL is allowed; not in a key
	Index bool // an index of its own
	// Fulltext asks for an index of the column's words. The column is Text, and
	// the table's key is one column. How queries use it is the database's: see
	// Dialect.
	Fulltext bool
}

// Index is an index over columns, in their order.
type Index struct {
	Columns []string
	Unique  bool
}

// Key are the indexes of the key columns.
func (s *Schema) Key() []int {
	var key []int
	for i := range s.Columns {
		if s.Columns[i].Key {
			key = append(key, i)
		}
	}
	return key
}

// Writer is the name under which the marks of the table's writer are kept.
func (s *Schema) Writer() string {
	if s.View != "" {
		return s.View
	}
	return s.Name
}
