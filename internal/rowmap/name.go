package rowmap

import (
	"strings"
	"unicode"
)

// NameRule says in an error what ValidName demands.
const NameRule = "a name has 1 to 63 letters, digits and underscores, and begins with a letter"

// ValidName tells whether s can name a table or a column in every database.
func ValidName(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		letter := s[i] >= 'a' && s[i] <= 'z' || s[i] >= 'A' && s[i] <= 'Z'
		if !letter && (i == 0 || s[i] != '_' && (s[i] < '0' || s[i] > '9')) {
			return false
		}
	}
	return true
}

// Snake writes a Go name in snake case: DocumentID is document_id, HTTPPort is
// http_port.
func Snake(name string) string {
	rs := []rune(name)
	var b strings.Builder
	for i, r := range rs {
		if unicode.IsUpper(r) && i > 0 && rs[i-1] != '_' && startsWord(rs, i) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// startsWord tells whether an upper-case letter begins a word: after a lower
// one, or as the last of several before a lower one. The s of a plural, as in
// IDs, is part of the word before.
func startsWord(rs []rune, i int) bool {
	if !unicode.IsUpper(rs[i-1]) {
		return true
	}
	if i+1 >= len(rs) || !unicode.IsLower(rs[i+1]) {
		return false
	}
	plural := rs[i+1] == 's' && (i+2 == len(rs) || unicode.IsUpper(rs[i+2]))
	return !plural
}
