package postgres

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

var (
	errNumbered = errors.New("parameters must be named with a colon, as in :vendor")
	errZero     = errors.New("the text holds a zero byte")
)

// parsed is a query whose named parameters have become numbers. It knows quotes
// and comments, and nothing else of SQL.
type parsed struct {
	text  string   // each name has a number
	names []string // in the order of their numbers
	apart string   // each place has a number
	at    []int    // the index of the name at each place
}

func parse(sql string) (*parsed, error) {
	if strings.IndexByte(sql, 0) >= 0 {
		return nil, errZero
	}
	p := &parsed{}
	var text, apart strings.Builder
	for i := 0; i < len(sql); {
		n := skip(sql[i:])
		switch {
		case n > 0:
		case strings.HasPrefix(sql[i:], "::"):
			n = 2
		case sql[i] == ':' && i+1 < len(sql) && isLetter(sql[i+1]):
			n = 1 + wordLength(sql[i+1:])
			fmt.Fprintf(&text, "$%d", p.name(sql[i+1:i+n])+1)
			fmt.Fprintf(&apart, "$%d", len(p.at))
			i += n
			continue
		case sql[i] == '$' && i+1 < len(sql) && isDigit(sql[i+1]):
			return nil, fmt.Errorf("parameter %q: %w", sql[i:i+2], errNumbered)
		default:
			n = max(1, wordLength(sql[i:]))
		}
		text.WriteString(sql[i : i+n])
		apart.WriteString(sql[i : i+n])
		i += n
	}
	p.text, p.apart = text.String(), apart.String()
	return p, nil
}

// name notes a place, and returns the index of its name.
func (p *parsed) name(name string) int {
	i := slices.Index(p.names, name)
	if i < 0 {
		i = len(p.names)
		p.names = append(p.names, name)
	}
	p.at = append(p.at, i)
	return i
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

// wordLength is that of the name or number at the beginning.
func wordLength(s string) int {
	n := 0
	for n < len(s) && (isLetter(s[n]) || isDigit(s[n])) {
		n++
	}
	return n
}

// skip is the length of what stands at the beginning in quotes or as a comment;
// zero if nothing does.
func skip(s string) int {
	switch {
	case s[0] == '\'' || s[0] == '"':
		return quote(s, s[0], false)
	case (s[0] == 'e' || s[0] == 'E') && len(s) > 1 && s[1] == '\'':
		return 1 + quote(s[1:], '\'', true)
	case strings.HasPrefix(s, "--"):
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return n
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		return comment(s)
	case s[0] == '$':
		return dollars(s)
	}
	return 0
}

func quote(s string, q byte, escapes bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case escapes && s[i] == '\\':
			i++
		case s[i] == q:
			return i + 1 // a doubled one begins another quote at once
		}
	}
	return len(s)
}

func comment(s string) int {
	depth := 0
	for i := 0; i+1 < len(s); i++ {
		switch s[i : i+2] {
		case "/*":
			depth++
			i++
		case "*/":
			depth--
			i++
		}
		if depth == 0 {
			return i + 1
		}
	}
	return len(s)
}

// dollars is the length of a text between $tag$.
func dollars(s string) int {
	n := 1 + wordLength(s[1:])
	if n >= len(s) || s[n] != '$' || n > 1 && isDigit(s[1]) {
		return 0
	}
	tag := s[:n+1]
	if end := strings.Index(s[len(tag):], tag); end >= 0 {
		return 2*len(tag) + end
	}
	return len(s)
}
