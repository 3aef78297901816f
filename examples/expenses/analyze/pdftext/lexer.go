package pdftext

import (
	"bytes"
	"strconv"
	"strings"
)

const (
	maxDepth = 64
	maxItems = 500_000 // of one object with all that it holds
	maxName  = 256
)

// lexer reads objects from bytes. It never fails: at the end of the bytes, of
// the work or of what it takes, it says that there is nothing more.
type lexer struct {
	data  []byte
	pos   int
	work  *work
	depth int
	items int
}

// end is what the lexer reads when there is nothing more.
type end struct{}

// object reads the next object, or a word that is none.
func (l *lexer) object() any {
	l.items = 0
	return l.value()
}

func (l *lexer) value() any {
	switch tok := l.token(); tok {
	case word("["):
		return array(l.list("]"))
	case word("<<"):
		return pair(l.list(">>"))
	default:
		return tok
	}
}

// list reads up to a closing word. It makes references of "12 0 R".
func (l *lexer) list(closing word) []any {
	l.depth++
	defer func() { l.depth-- }()
	var out []any
	for l.items++; l.depth <= maxDepth && l.items <= maxItems; l.items++ {
		switch v := l.value().(type) {
		case end:
			return out
		case word:
			if v == closing || v == "endobj" {
				return out
			}
			if v == "R" && len(out) >= 2 {
				out = append(out[:len(out)-2], ref(integer(out[len(out)-2])))
			}
		default:
			out = append(out, v)
		}
	}
	l.pos = len(l.data)
	return out
}

func pair(items []any) dict {
	d := dict{}
	for ; len(items) >= 2; items = items[2:] {
		if key, ok := items[0].(name); ok {
			d[key] = items[1]
		}
	}
	return d
}

func (l *lexer) token() any {
	l.skipSpace()
	if l.pos >= len(l.data) || !l.work.spend(16) {
		return end{}
	}
	start := l.pos
	defer func() { l.work.spend(l.pos - start) }()
	switch c := l.data[l.pos]; {
	case c == '/':
		return l.name()
	case c == '(':
		return l.literal()
	case c == '<' && !l.at("<<"):
		return l.hex()
	case l.at("<<"), l.at(">>"):
		l.pos += 2
		return word(l.data[start:l.pos])
	case isDelimiter(c):
		l.pos++
		return word(l.data[start:l.pos])
	}
	return l.regular()
}

func (l *lexer) at(s string) bool {
	return bytes.HasPrefix(l.data[l.pos:], []byte(s))
}

func (l *lexer) skipSpace() {
	start := l.pos
	for l.pos < len(l.data) {
		switch c := l.data[l.pos]; {
		case isSpace(c):
			l.pos++
		case c == '%':
			l.skipComment()
		default:
			l.work.spend(l.pos - start)
			return
		}
	}
	l.work.spend(l.pos - start)
}

func (l *lexer) skipComment() {
	if n := bytes.IndexAny(l.data[l.pos:min(l.pos+4096, len(l.data))], "\r\n"); n >= 0 {
		l.pos += n
		return
	}
	l.pos = min(l.pos+4096, len(l.data))
}

// regular reads a number, a boolean, null or a word.
func (l *lexer) regular() any {
	s := l.regularBytes()
	switch s {
	case "true":
		return true
	case "false":
		return false
	case "null":
		return nil
	}
	if c := s[0]; c == '+' || c == '-' || c == '.' || '0' <= c && c <= '9' {
		if n, err := strconv.ParseFloat(s, 64); err == nil && !strings.ContainsAny(s, "eExXpPnNiI_") {
			return n
		}
	}
	return word(s)
}

func (l *lexer) regularBytes() string {
	start := l.pos
	for l.pos < len(l.data) && l.pos-start < maxName && !isSpace(l.data[l.pos]) && !isDelimiter(l.data[l.pos]) {
		l.pos++
	}
	return string(l.data[start:l.pos])
}

func (l *lexer) name() name {
	l.pos++
	s := l.regularBytes()
	if !strings.Contains(s, "#") {
		return name(s)
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '#' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return name(b.String())
}

func (l *lexer) hex() str {
	l.pos++
	var digits []byte
	for l.pos < len(l.data) && l.data[l.pos] != '>' {
		if n := unhex(l.data[l.pos]); n >= 0 {
			digits = append(digits, byte(n))
		}
		l.pos++
	}
	l.pos = min(l.pos+1, len(l.data))
	if len(digits)%2 == 1 {
		digits = append(digits, 0)
	}
	for i := range len(digits) / 2 {
		digits[i] = digits[2*i]<<4 | digits[2*i+1]
	}
	return str(digits[:len(digits)/2])
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func isDelimiter(c byte) bool {
	return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0
}
