package postgres

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/talix-dev/talix/table"
)

// Dialect implements table.Dialect.
func (t *Tables) Dialect() string { return "postgres" }

// Elements implements table.Dialect.
func (t *Tables) Elements(param string, k table.Kind) string {
	return "SELECT CAST(_talix_element AS " + sqlType(k) + ") FROM jsonb_array_elements_text(CAST(:" + param + " AS jsonb)) _talix_element"
}

// Search implements table.Dialect. The view of a table's words is written so
// that PostgreSQL uses the index.
func (t *Tables) Search(name, param string) string {
	return "SELECT _talix_key FROM " + sqlName(name+textSuffix) + " WHERE _talix_words @@ _talix_terms(CAST(:" + param + " AS text))"
}

// Terms implements table.Dialect. The function _talix_terms finds the words.
func (t *Tables) Terms(text string) table.Value {
	last, _ := utf8.DecodeLastRuneInString(text)
	text = strings.ReplaceAll(strings.ToValidUTF8(text, " "), "\x00", " ")
	text = strings.TrimRight(text, "*")
	if unicode.IsLetter(last) || unicode.IsNumber(last) || unicode.Is(unicode.M, last) {
		text += "*" // perhaps still being typed
	}
	return table.TextValue(text)
}

// AsOf implements table.Dialect. The last position but one is that of rows
// which are valid now.
func (t *Tables) AsOf(history, param string) string {
	const at = "coalesce(CAST(_talix_at.value AS int8), 9223372036854775806)"
	return "SELECT _talix_was.* FROM " + sqlName(history) + " _talix_was LEFT JOIN jsonb_each_text(CAST(:" + param + " AS jsonb)) _talix_at" +
		" ON CAST(_talix_at.key AS int8) = _talix_was.\"partition\"" +
		" WHERE _talix_was.valid_from <= " + at + " AND _talix_was.valid_to > " + at
}
