package sqlite

import (
	"errors"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/table"
)

// checkSchemas finds every fault of the schemas.
func checkSchemas(schemas []table.Schema) error {
	var faults []error
	seen := make(map[string]string)
	for i := range schemas {
		s := &schemas[i]
		if other, twice := seen[strings.ToLower(s.Name)]; twice {
			faults = append(faults, fmt.Errorf("the tables %s and %s have the same name to SQL", other, s.Name))
		}
		seen[strings.ToLower(s.Name)] = s.Name
		faults = append(faults, checkSchema(s))
	}
	return errors.Join(faults...)
}

func checkSchema(s *table.Schema) error {
	if fault := checkName(s.Name); fault != "" {
		return fmt.Errorf("the table name %q %s", s.Name, fault)
	}
	var faults []error
	seen := make(map[string]bool)
	for _, c := range s.Columns {
		if fault := checkColumn(c, seen); fault != "" {
			faults = append(faults, fmt.Errorf("column %q of table %s %s", c.Name, s.Name, fault))
		}
		seen[strings.ToLower(c.Name)] = true
	}
	keys := len(s.Key())
	if keys == 0 {
		faults = append(faults, fmt.Errorf("table %s has no key column", s.Name))
	}
	if keys > 1 && hasFulltext(s) {
		faults = append(faults, fmt.Errorf("table %s has full-text columns and %d key columns instead of one", s.Name, keys))
	}
	for _, i := range s.Indexes {
		faults = append(faults, checkIndex(s, i, seen))
	}
	return errors.Join(faults...)
}

func checkIndex(s *table.Schema, i table.Index, columns map[string]bool) error {
	if len(i.Columns) == 0 {
		return fmt.Errorf("table %s has an index over no column", s.Name)
	}
	twice := make(map[string]bool)
	for _, name := range i.Columns {
		low := strings.ToLower(name)
		if !columns[low] || twice[low] {
			return fmt.Errorf("table %s has an index over %s, where %q is no column or stands twice", s.Name, strings.Join(i.Columns, ", "), name)
		}
		twice[low] = true
	}
	return nil
}

func checkColumn(c table.Column, seen map[string]bool) string {
	if fault := checkName(c.Name); fault != "" {
		return fault
	}
	switch {
	case seen[strings.ToLower(c.Name)]:
		return "is there twice: case makes no difference to SQL"
	case sqlType(c.Kind) == "":
		return fmt.Sprintf("has no kind that a column can have (%d)", c.Kind)
	case c.Key && c.Null:
		return "is a key, so it can't be NULL"
	case c.Fulltext && c.Kind != table.Text:
		return "is to be searched by words, so it has to be text"
	}
	return ""
}

func checkName(name string) string {
	if name == "" {
		return "is empty"
	}
	for _, r := range name {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_' || r >= '0' && r <= '9'
		if !letter {
			return "has other characters than letters, digits and underscores"
		}
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "_talix_") || strings.HasPrefix(lower, "sqlite_") {
		return "has a prefix that is reserved"
	}
	return ""
}

func sqlType(k table.Kind) string {
	switch k {
	case table.Int:
		return "INTEGER"
	case table.Float:
		return "REAL"
	case table.Text:
		return "TEXT"
	case table.Blob:
		return "BLOB"
	}
	return ""
}

// quoted is a checked name as SQL writes it.
func quoted(name string) string { return `"` + name + `"` }

// createTable is the SQL that makes a table and its indexes. serial is in the
// names of the indexes, which stay as they are when the table gets another
// name; a point can't be in a checked name, so that no two of them meet.
func createTable(s *table.Schema, serial string) []string {
	columns := make([]string, 0, len(s.Columns)+1)
	for _, c := range s.Columns {
		columns = append(columns, column(c))
	}
	key := s.Key()
	columns = append(columns, "PRIMARY KEY("+listed(s, key)+")")
	options := "STRICT, WITHOUT ROWID"
	if len(key) == 1 && s.Columns[key[0]].Kind == table.Int {
		options = "STRICT" // the key is the rowid
	}
	all := []string{fmt.Sprintf("CREATE TABLE %s(%s) %s", quoted(s.Name), strings.Join(columns, ", "), options)}
	for i, x := range indexes(s) {
		all = append(all, createIndex(s, x, fmt.Sprintf("_talix_index.%s.%s.%d", s.Name, serial, i)))
	}
	return append(all, createFulltext(s)...)
}

// indexes are those of single columns, and the others.
func indexes(s *table.Schema) []table.Index {
	var all []table.Index
	first := s.Key()[0] // the primary key is an index by it
	for i, c := range s.Columns {
		if c.Index && i != first {
			all = append(all, table.Index{Columns: []string{c.Name}})
		}
	}
	return append(all, s.Indexes...)
}

func createIndex(s *table.Schema, i table.Index, name string) string {
	unique := ""
	if i.Unique {
		unique = "UNIQUE "
	}
	columns := make([]string, len(i.Columns))
	for n, c := range i.Columns {
		columns[n] = quoted(c)
	}
	return fmt.Sprintf("CREATE %sINDEX %s ON %s(%s)", unique, quoted(name), quoted(s.Name), strings.Join(columns, ", "))
}

func column(c table.Column) string {
	text := quoted(c.Name) + " " + sqlType(c.Kind)
	if !c.Null {
		text += " NOT NULL"
	}
	return text
}

// listed are the names of some columns.
func listed(s *table.Schema, columns []int) string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quoted(s.Columns[c].Name)
	}
	return strings.Join(names, ", ")
}
