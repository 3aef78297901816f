package postgres

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
	if keys > 1 && len(searched(s)) > 0 {
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

// longestTable leaves room for the suffixes of what stands beside a table.
const longestTable = 63 - len(textSuffix)

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
	if strings.HasPrefix(strings.ToLower(name), "_talix_") {
		return "has a prefix that is reserved"
	}
	if len(name) > longestTable {
		return fmt.Sprintf("has %d characters, PostgreSQL allows %d here", len(name), longestTable)
	}
	return ""
}

func sqlType(k table.Kind) string {
	switch k {
	case table.Int:
		return "int8"
	case table.Float:
		return "float8"
	case table.Text:
		return "text"
	case table.Blob:
		return "bytea"
	}
	return ""
}

// sqlName is a checked name as SQL writes it: in lower case, as SQL takes names
// without quotes.
func sqlName(name string) string { return quoted(strings.ToLower(name)) }

// textSuffix is that of the view which shows the words of a table.
const textSuffix = "_talix_text"

// createTable is the SQL that makes a table, its indexes and its view of words.
// PostgreSQL names the indexes itself, so that they are in nobody's way when
// the table gets another name.
func createTable(s *table.Schema, temporary string) string {
	columns := make([]string, 0, len(s.Columns)+1)
	for _, c := range s.Columns {
		columns = append(columns, column(c))
	}
	columns = append(columns, "PRIMARY KEY ("+keyNames(s)+")")
	all := []string{fmt.Sprintf("CREATE %s TABLE %s (%s)", temporary, sqlName(s.Name), strings.Join(columns, ", "))}
	for _, x := range indexes(s) {
		all = append(all, createIndex(s, x))
	}
	if names := searched(s); len(names) > 0 {
		words := "_talix_words(" + strings.Join(names, ", ") + ")"
		all = append(all,
			fmt.Sprintf("CREATE INDEX ON %s USING gin (%s)", sqlName(s.Name), words),
			fmt.Sprintf("CREATE %s VIEW %s AS SELECT %s AS _talix_key, %s AS _talix_words FROM %s", temporary, sqlName(s.Name+textSuffix), keyNames(s), words, sqlName(s.Name)))
	}
	return strings.Join(all, ";\n")
}

// dropTable removes a table and its view of words.
func dropTable(name string) string {
	return fmt.Sprintf("DROP VIEW IF EXISTS %s; DROP TABLE IF EXISTS %s", sqlName(name+textSuffix), sqlName(name))
}

// searched are the names of the full-text columns.
func searched(s *table.Schema) (names []string) {
	for _, c := range s.Columns {
		if c.Fulltext {
			names = append(names, sqlName(c.Name))
		}
	}
	return names
}

// indexes are those of single columns, and the others.
func indexes(s *table.Schema) (all []table.Index) {
	first := s.Key()[0] // the primary key is an index by it
	for i, c := range s.Columns {
		if c.Index && i != first {
			all = append(all, table.Index{Columns: []string{c.Name}})
		}
	}
	return append(all, s.Indexes...)
}

func createIndex(s *table.Schema, i table.Index) string {
	unique := ""
	if i.Unique {
		unique = "UNIQUE "
	}
	columns := make([]string, len(i.Columns))
	for n, c := range i.Columns {
		columns[n] = sqlName(c)
	}
	return fmt.Sprintf("CREATE %sINDEX ON %s (%s)", unique, sqlName(s.Name), strings.Join(columns, ", "))
}

func column(c table.Column) string {
	text := sqlName(c.Name) + " " + sqlType(c.Kind)
	if c.Kind == table.Text {
		text += ` COLLATE "C"`
	}
	if !c.Null {
		text += " NOT NULL"
	}
	return text
}

func keyNames(s *table.Schema) string {
	var names []string
	for _, c := range s.Key() {
		names = append(names, sqlName(s.Columns[c].Name))
	}
	return strings.Join(names, ", ")
}

func columnNames(s *table.Schema) string {
	names := make([]string, len(s.Columns))
	for i, c := range s.Columns {
		names[i] = sqlName(c.Name)
	}
	return strings.Join(names, ", ")
}
