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
	keys, seen := 0, make(map[string]bool)
	for _, c := range s.Columns {
		if fault := checkColumn(c, seen); fault != "" {
			faults = append(faults, fmt.Errorf("column %q of table %s %s", c.Name, s.Name, fault))
		}
		seen[strings.ToLower(c.Name)] = true
		if c.Key {
			keys++
		}
	}
	if keys != 1 {
		faults = append(faults, fmt.Errorf("table %s has %d key columns instead of one", s.Name, keys))
	}
	return errors.Join(faults...)
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
		return "is the key, so it can't be NULL"
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

// createTable is the SQL that makes a table and its indexes.
func createTable(s *table.Schema) []string {
	columns := make([]string, 0, len(s.Columns))
	var indexes []string
	options := "STRICT, WITHOUT ROWID"
	for _, c := range s.Columns {
		columns = append(columns, column(c))
		if c.Key && c.Kind == table.Int {
			options = "STRICT" // the key is the rowid
		}
		if c.Index && !c.Key {
			// A point can't be in a checked name, so no two indexes meet.
			indexes = append(indexes, fmt.Sprintf("CREATE INDEX %s ON %s(%s)", quoted("_talix_index."+s.Name+"."+c.Name), quoted(s.Name), quoted(c.Name)))
		}
	}
	create := fmt.Sprintf("CREATE TABLE %s(%s) %s", quoted(s.Name), strings.Join(columns, ", "), options)
	return append([]string{create}, indexes...)
}

func column(c table.Column) string {
	text := quoted(c.Name) + " " + sqlType(c.Kind)
	if !c.Null {
		text += " NOT NULL"
	}
	if c.Key {
		text += " PRIMARY KEY"
	}
	return text
}
