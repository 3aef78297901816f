package diff

import (
	"encoding/json"
	"strings"
)

// Mark says what became of a line.
type Mark string

// The marks.
const (
	Same    Mark = ""
	Added   Mark = "added"
	Removed Mark = "removed"
	Changed Mark = "changed"
)

// Line is a line of a document as people read it.
type Line struct {
	Indent int    `json:"indent"`
	Name   string `json:"name,omitempty"` // of a member, as JSON
	Text   string `json:"text"`           // a value, or a bracket
	Mark   Mark   `json:"mark,omitempty"`
	Was    string `json:"was,omitempty"`  // the value before, if it was changed
	Path   string `json:"path,omitempty"` // as in analysis.items[0]
}

// MaxLines bounds the lines of a document; the rest is left out.
const MaxLines = 5000

// Lines writes what is after, and what is not any more, line by line. Documents
// that are no JSON are taken for a value each. before may be empty: then nothing
// is marked.
func Lines(before, after json.RawMessage) []Line {
	w := &writer{all: len(before) > 0}
	w.member(0, "", "", parse(before), parse(after), false)
	return w.lines
}

// Changes are the lines that are marked.
func Changes(before, after json.RawMessage) []Line {
	var all []Line
	for _, l := range Lines(before, after) {
		if l.Mark != Same && !isBracket(l.Text) {
			all = append(all, l)
		}
	}
	return all
}

func isBracket(text string) bool {
	switch strings.TrimSuffix(text, ",") {
	case "{", "}", "[", "]":
		return true
	}
	return false
}

type writer struct {
	all   bool // there is something to compare with
	lines []Line
}

func (w *writer) add(indent int, name, path, text string, mark Mark, was string, comma bool) {
	if len(w.lines) >= MaxLines {
		return
	}
	if comma {
		text += ","
	}
	w.lines = append(w.lines, Line{Indent: indent, Name: name, Text: text, Mark: mark, Was: was, Path: path})
}

// member writes one value; comma: another one follows.
func (w *writer) member(indent int, name, path string, before, after *node, comma bool) {
	switch {
	case after == nil && before == nil:
	case after == nil:
		w.whole(indent, name, path, before, Removed, comma)
	case before == nil && w.all:
		w.whole(indent, name, path, after, Added, comma)
	case before == nil:
		w.whole(indent, name, path, after, Same, comma)
	case before.kind != after.kind:
		w.whole(indent, name, path, before, Removed, comma)
		w.whole(indent, name, path, after, Added, comma)
	case after.kind == 'v' && after.text != before.text:
		w.add(indent, name, path, after.text, Changed, before.text, comma)
	case after.kind == 'v':
		w.add(indent, name, path, after.text, Same, "", comma)
	default:
		w.inside(indent, name, path, before, after, comma)
	}
}

// inside writes an object or array that was one before too.
func (w *writer) inside(indent int, name, path string, before, after *node, comma bool) {
	if len(after.members) == 0 && len(before.members) == 0 {
		w.add(indent, name, path, brackets(after), Same, "", comma)
		return
	}
	w.add(indent, name, path, string(after.kind), Same, "", false)
	for _, p := range pairs(before, after) {
		w.member(indent+1, p.name, join(path, p), p.before, p.after, !p.last)
	}
	w.add(indent, "", path, brackets(after)[1:], Same, "", comma)
}

// whole writes a value all of which has one mark.
func (w *writer) whole(indent int, name, path string, n *node, mark Mark, comma bool) {
	if n.kind == 'v' || len(n.members) == 0 {
		w.add(indent, name, path, n.text+brackets(n), mark, "", comma)
		return
	}
	w.add(indent, name, path, string(n.kind), mark, "", false)
	for i, m := range n.members {
		p := pair{index: i}
		if n.kind == '{' {
			p.name = literal(n.names[i])
			p.plain = n.names[i]
		}
		w.whole(indent+1, p.name, join(path, p), m, mark, i < len(n.members)-1)
	}
	w.add(indent, "", path, brackets(n)[1:], mark, "", comma)
}

func brackets(n *node) string {
	switch n.kind {
	case '{':
		return "{}"
	case '[':
		return "[]"
	}
	return ""
}
