package sqlquery

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// The prefixes of the names of parameters that search() and as_of() make of
// those that users name.
const (
	searchPrefix = "talix_search_"
	asOfPrefix   = "talix_as_of_"
)

// expansion writes what every database understands in the words of one.
type expansion struct {
	in      *rowmap.Input
	dialect table.Dialect // nil: the store has none
	sql     string
	tokens  []token
	out     strings.Builder
	from    int      // what is before it has been written
	tables  []string // that are searched
	faults  []error
}

var errNoDialect = errors.New("the store of the view tables knows neither sets, full text nor history: it has to implement table.Dialect")

// expand writes sets and search() of a text in the words of the database.
func expand(sql string, in *rowmap.Input, dialect table.Dialect) *expansion {
	x := &expansion{in: in, dialect: dialect, sql: sql, tokens: scan(sql)}
	for i, t := range x.tokens {
		var err error
		switch {
		case (t.is("search") || t.is("as_of")) && x.at(i+1).is("(") && !x.at(i-1).is("."):
			err = x.call(i)
		case t.kind == param && t.start >= x.from:
			err = x.param(i)
		}
		if err != nil {
			x.faults = append(x.faults, err)
		}
	}
	x.out.WriteString(sql[x.from:])
	return x
}

func (x *expansion) at(i int) token {
	if i < 0 || i >= len(x.tokens) {
		return token{}
	}
	return x.tokens[i]
}

// near is a token with what follows it.
func (x *expansion) near(t token) string {
	end := min(len(x.sql), t.start+40)
	return strings.Join(strings.Fields(strings.ToValidUTF8(x.sql[t.start:end], "")), " ")
}

// replace writes a text for the tokens from first to last.
func (x *expansion) replace(first, last token, text string) {
	x.out.WriteString(x.sql[x.from:first.start])
	x.out.WriteString(text)
	x.from = last.end
}

// call writes search(table, :param) or as_of(table, :param).
func (x *expansion) call(i int) error {
	of, comma, p, end := x.at(i+2), x.at(i+3), x.at(i+4), x.at(i+5)
	what := strings.ToLower(x.tokens[i].text)
	switch {
	case of.kind != word && of.kind != name || !comma.is(",") || p.kind != param || !end.is(")"):
		return fmt.Errorf("write %s(table, :parameter), with the name of a view table, not …%s…", what, x.near(x.tokens[i]))
	case x.dialect == nil:
		return errNoDialect
	}
	if found, err := x.in.Param(p.text); err == nil && (found.Set || found.Kind != table.Text) {
		return fmt.Errorf("%s(%s, :%s) takes a text: make the parameter's field a string", what, of.text, p.text)
	}
	if what == "as_of" {
		x.replace(x.tokens[i], end, "("+x.dialect.AsOf(registry.HistoryName(of.text), asOfPrefix+p.text)+")")
		return nil
	}
	x.replace(x.tokens[i], end, "("+x.dialect.Search(of.text, searchPrefix+p.text)+")")
	if !slices.Contains(x.tables, of.text) {
		x.tables = append(x.tables, of.text)
	}
	return nil
}

// param writes the elements of a set. What is wrong with other parameters is
// told by what the database knows of them.
func (x *expansion) param(i int) error {
	t := x.tokens[i]
	p, err := x.in.Param(t.text)
	if err != nil || !p.Set || x.at(i+1).is("IS") {
		return nil //nolint:nilerr // told once the database has named it
	}
	if !x.at(i-2).is("IN") || !x.at(i-1).is("(") || !x.at(i+1).is(")") {
		return fmt.Errorf("the parameter :%s is a set: write IN (:%s), or :%s IS NULL for one that was left out", t.text, t.text, t.text)
	}
	if x.dialect == nil {
		return errNoDialect
	}
	x.replace(t, t, x.dialect.Elements(t.text, p.Kind))
	return nil
}
