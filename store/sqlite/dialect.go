package sqlite

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/talix-dev/talix/table"
	"zombiezen.com/go/sqlite"
)

var _ table.Dialect = (*Tables)(nil)

// Dialect implements table.Dialect.
func (t *Tables) Dialect() string { return "sqlite" }

// Elements implements table.Dialect. JSON has the kinds of its elements, so
// they need no cast.
func (t *Tables) Elements(param string, _ table.Kind) string {
	return "SELECT value FROM json_each(:" + param + ")"
}

// Search implements table.Dialect.
func (t *Tables) Search(name, param string) string {
	text := quoted(textTable(name))
	return "SELECT " + textKey + " FROM " + text + " WHERE " + text + " MATCH :" + param
}

// textKey is the column of a full-text table that holds the key of the row.
const textKey = `"_talix_key"`

// textTable is the full-text table of a view table.
func textTable(name string) string { return name + "_talix_text" }

// Terms implements table.Dialect: each word as an FTS5 string, so that none is
// taken for an operator.
func (t *Tables) Terms(text string) table.Value {
	var words []string
	last := false // the last word of the text is the last of words
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return !isWord(r) }) {
		w = `"` + w + `"`
		if last = !slices.Contains(words, w); last {
			words = append(words, w)
		}
		if len(words) == maxTerms {
			return table.TextValue(strings.Join(words, " "))
		}
	}
	if len(words) == 0 {
		return table.TextValue(`""`) // matches nothing
	}
	terms := strings.Join(words, " ")
	if r, _ := utf8.DecodeLastRuneInString(text); last && isWord(r) {
		terms += "*" // perhaps still being typed
	}
	return table.TextValue(terms)
}

// maxTerms bounds the words of one search: each costs the database work.
const maxTerms = 64

// AsOf implements table.Dialect. The last position but one is that of rows
// which are valid now.
func (t *Tables) AsOf(history, param string) string {
	const at = "coalesce(_talix_at.value, 9223372036854775806)"
	return "SELECT _talix_was.* FROM " + quoted(history) + " _talix_was LEFT JOIN json_each(:" + param + ") _talix_at" +
		" ON CAST(_talix_at.key AS INTEGER) = _talix_was.\"partition\"" +
		" WHERE _talix_was.valid_from <= " + at + " AND _talix_was.valid_to > " + at
}

// isWord tells the runes that FTS5's unicode61 takes for parts of words.
func isWord(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.M, r) || unicode.Is(unicode.Co, r)
}

// letterCase are SQL functions that know the letters of all languages, as they
// do in other databases; SQLite's own know those of English.
func letterCase(conn *sqlite.Conn) error {
	for name, change := range map[string]func(string) string{"lower": strings.ToLower, "upper": strings.ToUpper} {
		err := conn.CreateFunction(name, &sqlite.FunctionImpl{
			NArgs: 1, Deterministic: true, AllowIndirect: true,
			Scalar: func(_ sqlite.Context, args []sqlite.Value) (sqlite.Value, error) {
				if args[0].Type() == sqlite.TypeNull {
					return args[0], nil
				}
				return sqlite.TextValue(change(args[0].Text())), nil
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
