package sqlite

import (
	"fmt"
	"strings"

	"github.com/talix-dev/talix/table"
)

// Full text is kept in an FTS5 table beside the view table, by triggers, so
// that it changes with the rows. Its rows are numbered by a third table, as
// those of the view table have no number. It holds the texts, and not only
// their words, so that snippet and highlight work.

func hasFulltext(s *table.Schema) bool {
	for i := range s.Columns {
		if s.Columns[i].Fulltext {
			return true
		}
	}
	return false
}

// rowsTable numbers the rows of a table with full text.
func rowsTable(name string) string { return name + "_talix_rows" }

func createFulltext(s *table.Schema) []string {
	if !hasFulltext(s) {
		return nil
	}
	key := s.Columns[s.Key()[0]]
	return append([]string{
		fmt.Sprintf("CREATE TABLE %s(number INTEGER PRIMARY KEY, key %s NOT NULL UNIQUE) STRICT", quoted(rowsTable(s.Name)), sqlType(key.Kind)),
		fmt.Sprintf("CREATE VIRTUAL TABLE %s USING fts5(%s UNINDEXED, %s, tokenize = 'unicode61 remove_diacritics 2')",
			quoted(textTable(s.Name)), textKey, strings.Join(fulltext(s, ""), ", ")),
	}, createTriggers(s)...)
}

// fulltext are the names of the searched columns, with a prefix.
func fulltext(s *table.Schema, prefix string) []string {
	var names []string
	for _, c := range s.Columns {
		if c.Fulltext {
			names = append(names, prefix+quoted(c.Name))
		}
	}
	return names
}

// createTriggers: a text table learns of new rows, changed texts and rows that
// go.
func createTriggers(s *table.Schema) []string {
	names := fulltext(s, "")
	var changed, sets []string
	for _, n := range names {
		changed = append(changed, "old."+n+" IS NOT new."+n)
		sets = append(sets, n+" = new."+n)
	}
	of := map[string]string{
		"name": s.Name, "table": quoted(s.Name), "text": quoted(textTable(s.Name)), "rows": quoted(rowsTable(s.Name)), "id": textKey,
		"key": quoted(s.Columns[s.Key()[0]].Name), "names": strings.Join(names, ", "), "values": strings.Join(fulltext(s, "new."), ", "),
		"changed": strings.Join(changed, " OR "), "sets": strings.Join(sets, ", "),
	}
	return []string{
		expand(`CREATE TRIGGER "_talix_insert.{name}" AFTER INSERT ON {table} BEGIN
	INSERT INTO {rows}(key) VALUES(new.{key});
	INSERT INTO {text}(rowid, {id}, {names}) SELECT number, key, {values} FROM {rows} WHERE key = new.{key};
END`, of),
		expand(`CREATE TRIGGER "_talix_update.{name}" AFTER UPDATE OF {names} ON {table} WHEN {changed} BEGIN
	UPDATE {text} SET {sets} WHERE rowid = (SELECT number FROM {rows} WHERE key = new.{key});
END`, of),
		expand(`CREATE TRIGGER "_talix_delete.{name}" AFTER DELETE ON {table} BEGIN
	DELETE FROM {text} WHERE rowid = (SELECT number FROM {rows} WHERE key = old.{key});
	DELETE FROM {rows} WHERE key = old.{key};
END`, of),
	}
}

func expand(text string, of map[string]string) string {
	for name, value := range of {
		text = strings.ReplaceAll(text, "{"+name+"}", value)
	}
	return text
}

// beside are the tables that stand beside one with full text.
func beside(name string) []string { return []string{textTable(name), rowsTable(name)} }

func dropTriggers(name string) []string {
	var all []string
	for _, of := range []string{"insert", "update", "delete"} {
		all = append(all, "DROP TRIGGER IF EXISTS "+quoted("_talix_"+of+"."+name))
	}
	return all
}
