package seal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// span is a personal value in a document, and whose it is.
type span struct {
	from, to int
	subject  string
}

// spans finds the personal values of a document of the plan's type, in order;
// of is the subject where the document does not tell. Values that are null are
// left out.
func (p *Plan) spans(data []byte, of string) ([]span, error) {
	if !json.Valid(data) {
		return nil, fmt.Errorf("find personal values of %s: %w", p.typ, errNoJSON)
	}
	w := walker{data: data}
	w.visit(p.root, 0, of)
	if w.err != nil {
		return nil, fmt.Errorf("find personal values of %s: %w", p.typ, w.err)
	}
	return w.found, nil
}

var errNoJSON = errors.New("it is no JSON")

// walker goes through a document that is valid JSON.
type walker struct {
	data  []byte
	found []span
	err   error
}

// visit goes through the value that begins at i or after spaces, and returns
// where it ends.
func (w *walker) visit(n *node, i int, of string) int {
	i = w.space(i)
	switch {
	case n == nil:
	case w.data[i] == '{' && n.members != nil:
		return w.object(n, i, of)
	case w.data[i] == '{' && n.each != nil:
		return w.items(i, true, func(_ []byte, at int) int { return w.visit(n.each, at, of) })
	case w.data[i] == '[' && n.each != nil:
		return w.items(i, false, func(_ []byte, at int) int { return w.visit(n.each, at, of) })
	}
	return w.skip(i)
}

func (w *walker) object(n *node, i int, of string) int {
	if n.subject {
		of = w.subject(n, i)
	}
	return w.items(i, true, func(key []byte, at int) int {
		m := n.members[keyOf(key)]
		switch {
		case m == nil:
			return w.skip(at)
		case m.personal:
			return w.personal(n, m, at, of)
		}
		return w.visit(m.inner, at, of)
	})
}

// personal notes a value, unless it is null.
func (w *walker) personal(n *node, m *member, at int, of string) int {
	end := w.skip(at)
	if w.data[at] == 'n' {
		return end
	}
	if of == "" && w.err == nil {
		w.err = fmt.Errorf(`%s.%s is personal, but its subject is empty: set the field tagged subject:"true", or tag one`, n.name, m.name)
	}
	w.found = append(w.found, span{at, end, of})
	return end
}

// subject is what the object at i says its subject is. As in package json, the
// last one of several counts.
func (w *walker) subject(n *node, i int) (of string) {
	w.items(i, true, func(key []byte, at int) int {
		end := w.skip(at)
		if m := n.members[keyOf(key)]; m != nil && m.subject {
			of = textOf(w.data[at:end])
		}
		return end
	})
	return of
}

// textOf is a string, or a number as it is written; empty for anything else.
func textOf(value []byte) (s string) {
	switch c := value[0]; {
	case c == '"':
		if err := json.Unmarshal(value, &s); err != nil {
			return ""
		}
		return s
	case c == '-' || c >= '0' && c <= '9':
		return string(value)
	}
	return ""
}

// keyOf is the folded name of a member, by which package json finds the field.
func keyOf(quoted []byte) string {
	key := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(key, '\\') >= 0 {
		return strings.ToLower(textOf(quoted))
	}
	return strings.ToLower(string(key))
}

// items calls fn where each value of the object or array at i begins; fn returns
// where it ends. key is the quoted name of an object's member.
func (w *walker) items(i int, keyed bool, fn func(key []byte, at int) int) int {
	for i = w.space(i + 1); w.data[i] != '}' && w.data[i] != ']'; {
		var key []byte
		if keyed {
			end := w.skip(i)
			key = w.data[i:end]
			i = w.space(w.space(end) + 1) // behind the colon
		}
		i = w.space(fn(key, i))
		if w.data[i] == ',' {
			i = w.space(i + 1)
		}
	}
	return i + 1
}

// skip is where the value that begins at i ends.
func (w *walker) skip(i int) int {
	switch w.data[i] {
	case '"':
		return w.text(i)
	case '{', '[':
		return w.nested(i)
	}
	for i < len(w.data) && !bytes.ContainsRune([]byte(",]} \t\r\n"), rune(w.data[i])) {
		i++
	}
	return i
}

func (w *walker) text(i int) int {
	for i++; w.data[i] != '"'; i++ {
		if w.data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

func (w *walker) nested(i int) int {
	for depth := 0; ; {
		switch w.data[i] {
		case '"':
			i = w.text(i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		if i++; depth == 0 {
			return i
		}
	}
}

func (w *walker) space(i int) int {
	for i < len(w.data) && (w.data[i] == ' ' || w.data[i] == '\t' || w.data[i] == '\r' || w.data[i] == '\n') {
		i++
	}
	return i
}
