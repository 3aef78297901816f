package extract

import (
	"html"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	tokens "golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxToken bounds one tag or text of a page.
const maxToken = 1 << 20

// fromHTML gives the text that a page shows: a row of a table on one line,
// with tabs between its cells. It reads tokens and builds no tree, so that
// its work grows with the page's length alone.
func fromHTML(page string, limit int) string {
	w := &htmlText{}
	z := tokens.NewTokenizer(strings.NewReader(page))
	z.SetMaxBuf(maxToken)
	for w.out.Len() < limit {
		switch z.Next() {
		case tokens.ErrorToken:
			return w.out.String()
		case tokens.TextToken:
			w.add(string(z.Raw()))
		case tokens.StartTagToken, tokens.SelfClosingTagToken:
			tag, _ := z.TagName()
			w.start(atom.Lookup(tag))
		case tokens.EndTagToken:
			tag, _ := z.TagName()
			w.end(atom.Lookup(tag))
		}
	}
	return w.out.String()
}

type htmlText struct {
	out      strings.Builder
	last     rune      // the last one that was written
	hidden   atom.Atom // the element whose text is not shown
	want     string    // white space that is due before the next text
	rowStart bool      // no cell of the row has begun
	atCell   bool      // nothing of the cell is written: white space is none of it
}

func (w *htmlText) start(tag atom.Atom) {
	switch tag {
	case atom.Script, atom.Style, atom.Template, atom.Title, atom.Noscript, atom.Svg, atom.Select, atom.Textarea:
		if w.hidden == 0 {
			w.hidden = tag
		}
	case atom.Td, atom.Th:
		w.cell()
	case atom.Dd:
		w.want = "\t"
	default:
		w.block(tag)
	}
}

func (w *htmlText) end(tag atom.Atom) {
	if tag == w.hidden {
		w.hidden = 0
	}
	if tag != atom.Td && tag != atom.Th {
		w.block(tag)
	}
}

// cell puts a tab in place of what the last cell of the row ended with.
func (w *htmlText) cell() {
	if !w.rowStart {
		w.want = "\t"
	}
	w.rowStart, w.atCell = false, true
}

func (w *htmlText) block(tag atom.Atom) {
	switch tag {
	case atom.Tr:
		w.space("\n")
		w.rowStart = true
	case atom.P, atom.H1, atom.H2, atom.H3, atom.Table, atom.Hr, atom.Section, atom.Address, atom.Header, atom.Footer:
		w.space("\n\n")
	case atom.Br, atom.Div, atom.Li, atom.Ul, atom.Ol, atom.Dl, atom.Dt, atom.H4, atom.H5, atom.H6, atom.Article, atom.Main,
		atom.Nav, atom.Aside, atom.Blockquote, atom.Pre, atom.Form, atom.Caption, atom.Body, atom.Tbody, atom.Thead, atom.Tfoot:
		w.space("\n")
	}
}

// space remembers the widest white space that is due.
func (w *htmlText) space(s string) {
	if !w.atCell && rank(s) > rank(w.want) {
		w.want = s
	}
}

func rank(s string) int {
	return slices.Index([]string{"", " ", "\t", "\n", "\n\n"}, s)
}

func (w *htmlText) add(raw string) {
	text := html.UnescapeString(raw)
	words := strings.FieldsFunc(text, isLayout)
	if w.hidden != 0 || text == "" {
		return
	}
	if len(words) == 0 || isLayout(rune(text[0])) {
		w.space(" ")
	}
	if len(words) == 0 {
		return
	}
	w.write(strings.Join(words, " "))
	if isLayout(rune(text[len(text)-1])) {
		w.space(" ")
	}
}

func (w *htmlText) write(text string) {
	first, _ := utf8.DecodeRuneInString(text)
	if w.want == "" && (unicode.IsLetter(w.last) || w.last == ':') && !unicode.IsLetter(first) {
		w.want = " " // a label and its value, set apart by style alone
	}
	if w.out.Len() > 0 {
		w.out.WriteString(w.want)
	}
	w.out.WriteString(text)
	w.last, _ = utf8.DecodeLastRuneInString(text)
	w.want, w.atCell = "", false
}

// isLayout: white space that a page does not show. A no-break space is shown.
func isLayout(r rune) bool {
	return r < utf8.RuneSelf && unicode.IsSpace(r)
}
