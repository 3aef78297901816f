package httpedge

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// maxNesting bounds how deep arrays and objects of a body may lie in each
// other.
const maxNesting = 100

// parse reads JSON more strictly than encoding/json: it refuses names that
// stand twice, invalid UTF-8, NUL, lone surrogates, numbers beyond float64 and
// deep nesting. What it accepts, encoding/json reads alike.
func parse(data []byte) (any, error) {
	if !utf8.Valid(data) {
		return nil, errors.New("is not valid UTF-8")
	}
	p := parser{data: data}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	if p.space(); p.at < len(data) {
		return nil, p.wrong("the end")
	}
	return v, nil
}

type parser struct {
	data []byte
	at   int
}

func (p *parser) wrong(expected string) error {
	return fmt.Errorf("is not valid JSON: expected %s at byte %d", expected, p.at+1)
}

func (p *parser) space() {
	for p.at < len(p.data) {
		switch p.data[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte, or zero at the end.
func (p *parser) peek() byte {
	if p.at < len(p.data) {
		return p.data[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (any, error) {
	switch c := p.peek(); c {
	case '{', '[':
		if depth++; depth > maxNesting {
			return nil, fmt.Errorf("is nested deeper than %d levels", maxNesting)
		}
		p.at++
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case '"':
		return p.string()
	case 't':
		return true, p.word("true")
	case 'f':
		return false, p.word("false")
	case 'n':
		return nil, p.word("null")
	default:
		return p.number()
	}
}

func (p *parser) word(w string) error {
	if len(p.data)-p.at < len(w) || string(p.data[p.at:p.at+len(w)]) != w {
		return p.wrong("a value")
	}
	p.at += len(w)
	return nil
}

func (p *parser) object(depth int) (any, error) {
	m := map[string]any{}
	if p.space(); p.peek() == '}' {
		p.at++
		return m, nil
	}
	for {
		if p.space(); p.peek() != '"' {
			return nil, p.wrong("a name in quotes")
		}
		name, err := p.string()
		if err != nil {
			return nil, err
		}
		if p.space(); p.peek() != ':' {
			return nil, p.wrong("a colon")
		}
		p.at++
		p.space()
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		if _, ok := m[name]; ok {
			return nil, fmt.Errorf("has the name %q twice in one object", short(name))
		}
		m[name] = v
		if done, err := p.next('}'); done || err != nil {
			return m, err
		}
	}
}

func (p *parser) array(depth int) (any, error) {
	list := []any{}
	if p.space(); p.peek() == ']' {
		p.at++
		return list, nil
	}
	for {
		p.space()
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if done, err := p.next(']'); done || err != nil {
			return list, err
		}
	}
}

// next goes beyond a comma, or beyond the end of what is being read.
func (p *parser) next(end byte) (done bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.at++
		return false, nil
	case end:
		p.at++
		return true, nil
	default:
		return false, p.wrong("a comma or " + string(end))
	}
}

func (p *parser) number() (any, error) {
	start := p.at
	if p.peek() == '-' {
		p.at++
	}
	whole := p.at
	digits := p.digits()
	if digits == 0 || digits > 1 && p.data[whole] == '0' {
		p.at = start
		return nil, p.wrong("a value")
	}
	if p.peek() == '.' {
		if p.at++; p.digits() == 0 {
			return nil, p.wrong("a digit")
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.at++
		if c := p.peek(); c == '+' || c == '-' {
			p.at++
		}
		if p.digits() == 0 {
			return nil, p.wrong("a digit")
		}
	}
	v, err := strconv.ParseFloat(string(p.data[start:p.at]), 64)
	if err != nil {
		return nil, fmt.Errorf("has a number that is too large, at byte %d", start+1)
	}
	return v, nil
}

func (p *parser) digits() int {
	start := p.at
	for c := p.peek(); c >= '0' && c <= '9'; c = p.peek() {
		p.at++
	}
	return p.at - start
}

func (p *parser) string() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.data) {
		switch c := p.data[p.at]; {
		case c == '"':
			p.at++
			return string(p.data[start : p.at-1]), nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.wrong("no control character in a text")
		}
		p.at++
	}
	return "", p.wrong("the end of a text")
}

// escaped goes on where the first escape stands in a text.
func (p *parser) escaped(start int) (string, error) {
	text := append([]byte(nil), p.data[start:p.at]...)
	for p.at < len(p.data) {
		c := p.data[p.at]
		switch {
		case c == '"':
			p.at++
			return string(text), nil
		case c < ' ':
			return "", p.wrong("no control character in a text")
		case c != '\\':
			text = append(text, c)
			p.at++
		default:
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			text = utf8.AppendRune(text, r)
		}
	}
	return "", p.wrong("the end of a text")
}

func (p *parser) escape() (rune, error) {
	p.at++
	c := p.peek()
	p.at++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	default:
		p.at--
		return 0, p.wrong("an escape")
	}
}

func (p *parser) unicode() (rune, error) {
	r, ok := p.hex()
	switch {
	case !ok:
		return 0, p.wrong("four hexadecimal digits")
	case r == 0:
		return 0, errors.New("has a NUL in a text")
	case r < 0xd800 || r > 0xdfff:
		return r, nil
	}
	if r < 0xdc00 && p.peek() == '\\' && p.at+1 < len(p.data) && p.data[p.at+1] == 'u' {
		p.at += 2
		if low, ok := p.hex(); ok && low >= 0xdc00 && low <= 0xdfff {
			return (r-0xd800)<<10 + low - 0xdc00 + 0x10000, nil
		}
	}
	return 0, errors.New("has half of a surrogate pair in a text")
}

func (p *parser) hex() (rune, bool) {
	if len(p.data)-p.at < 4 {
		return 0, false
	}
	v, err := strconv.ParseUint(string(p.data[p.at:p.at+4]), 16, 32)
	p.at += 4
	return rune(v), err == nil
}
