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

// numbered rewrites a query's named parameters to numbers, and tells the names
// in the order of their numbers. It knows quotes and comments, and nothing else
// of SQL.
func numbered(sql string) (text string, names []string, err error) {
	if strings.IndexByte(sql, 0) >= 0 {
		return "", nil, errZero
	}
	var out strings.Builder
	for i := 0; i < len(sql); {
		n := skip(sql[i:])
		switch {
		case n > 0:
			out.WriteString(sql[i : i+n])
		case strings.HasPrefix(sql[i:], "::"):
			n = 2
			out.WriteString("::")
		case sql[i] == ':' && i+1 < len(sql) && isLetter(sql[i+1]):
			n = 1 + wordLength(sql[i+1:])
			names = named(&out, names, sql[i+1:i+n])
		case sql[i] == '$' && i+1 < len(sql) && isDigit(sql[i+1]):
			return "", nil, fmt.Errorf("parameter %q: %w", sql[i:i+2], errNumbered)
		default:
			n = max(1, wordLength(sql[i:]))
			out.WriteString(sql[i : i+n])
		}
		i += n
	}
	return out.String(), names, nil
}

func named(out *strings.Builder, names []string, name string) []string {
	at := slices.Index(names, name)
	if at < 0 {
		at = len(names)
		names = append(names, name)
	}
	fmt.Fprintf(out, "$%d", at+1)
	return names
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
