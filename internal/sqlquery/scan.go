package sqlquery

import "strings"

// token is a word, a parameter or a sign of a text. Texts in quotes and
// comments are none.
type token struct {
	kind       tokenKind
	start, end int
	text       string // a quoted name without its quotes, a parameter without its colon
}

type tokenKind uint8

const (
	sign  tokenKind = iota
	word            // a name or keyword
	name            // in double quotes
	param           // :name
)

// is tells whether a token is a keyword or sign.
func (t token) is(text string) bool {
	return (t.kind == word || t.kind == sign) && strings.EqualFold(t.text, text)
}

// scan finds the tokens of a text, as SQLite and PostgreSQL both read it. It
// takes whatever is there: judging is for the database.
func scan(sql string) []token {
	var tokens []token
	for i := 0; i < len(sql); {
		end := skip(sql, i)
		if end > i {
			i = end
			continue
		}
		t := next(sql, i)
		if t.kind != sign || t.text != "::" {
			tokens = append(tokens, t)
		}
		i = t.end
	}
	return tokens
}

// skip passes over a space, a comment or a text, if one begins at i.
func skip(sql string, i int) int {
	rest := sql[i:]
	switch c := sql[i]; {
	case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		return i + 1
	case strings.HasPrefix(rest, "--"):
		return i + until(rest, "\n", 2)
	case strings.HasPrefix(rest, "/*"):
		return i + until(rest, "*/", 2)
	case c == '\'' || c == '`':
		return i + until(rest, rest[:1], 1)
	}
	return i
}

// until is the length of a text up to an end, from a place on.
func until(text, end string, from int) int {
	if n := strings.Index(text[from:], end); n >= 0 {
		return from + n + len(end)
	}
	return len(text)
}

func next(sql string, i int) token {
	switch c := sql[i]; {
	case c == '"':
		end := i + until(sql[i:], `"`, 1)
		return token{name, i, end, strings.Trim(sql[i:end], `"`)}
	case c == ':' && i+1 < len(sql) && letter(sql[i+1]):
		end := i + 1 + wordLen(sql[i+1:])
		return token{param, i, end, sql[i+1 : end]}
	case strings.HasPrefix(sql[i:], "::"):
		return token{sign, i, i + 2, "::"}
	case letter(c):
		end := i + wordLen(sql[i:])
		return token{word, i, end, sql[i:end]}
	default:
		return token{sign, i, i + 1, sql[i : i+1]}
	}
}

func wordLen(s string) int {
	for i := range len(s) {
		if !letter(s[i]) {
			return i
		}
	}
	return len(s)
}

// letter tells what words are made of; one that begins with a digit is a
// number, which makes no difference here.
func letter(c byte) bool {
	return c == '_' || c == '$' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}
