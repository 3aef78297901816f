package pdftext

// literal reads a string in parentheses.
func (l *lexer) literal() str {
	var out []byte
	depth := 0
	for l.pos < len(l.data) {
		c := l.data[l.pos]
		l.pos++
		switch c {
		case '\\':
			out = l.escape(out)
			continue
		case '(':
			if depth++; depth == 1 {
				continue
			}
		case ')':
			if depth--; depth == 0 {
				return str(out)
			}
		}
		out = append(out, c)
	}
	return str(out)
}

var escapes = map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}

func (l *lexer) escape(out []byte) []byte {
	if l.pos >= len(l.data) {
		return out
	}
	c := l.data[l.pos]
	if '0' <= c && c <= '7' {
		return append(out, l.octal())
	}
	l.pos++
	switch {
	case escapes[c] != 0:
		return append(out, escapes[c])
	case c == '\r':
		if l.pos < len(l.data) && l.data[l.pos] == '\n' {
			l.pos++
		}
		return out
	case c == '\n':
		return out
	}
	return append(out, c)
}

func (l *lexer) octal() byte {
	var n byte
	for i := 0; i < 3 && l.pos < len(l.data) && '0' <= l.data[l.pos] && l.data[l.pos] <= '7'; i++ {
		n = n<<3 | (l.data[l.pos] - '0')
		l.pos++
	}
	return n
}
