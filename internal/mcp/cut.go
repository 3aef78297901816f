package mcp

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What an answer may take, in bytes of JSON: about six thousand tokens. Of
// several items, each may take a part of it.
const (
	budget  = 20_000
	perItem = 4_000
)

// deepest is how many lists and objects within each other are shown.
const deepest = 24

// limit bounds texts, in bytes, and lists and objects, in members.
type limit struct{ text, many int }

// limits are tried in turn until a value is small enough.
func limits() []limit {
	return []limit{{budget, budget}, {2000, 100}, {500, 40}, {120, 15}, {40, 5}}
}

// cutter shortens values, and notes where.
type cutter struct {
	limit
	cuts  []cut
	depth int
}

// cut is a place where something was left out.
type cut struct {
	path  string // as window reads it
	whole int    // bytes of a text, members of a list or an object
}

// shorten makes a value take at most so many bytes of JSON.
func shorten(v any, path string, most int) (any, []cut) {
	for _, l := range limits() {
		c := cutter{limit: l}
		if out := c.value(v, path); size(out, most) <= most {
			return out, c.cuts
		}
	}
	n := length(v)
	return fmt.Sprintf("… (cut: %d in all)", n), []cut{{path, n}}
}

func (c *cutter) value(v any, path string) any {
	switch v := v.(type) {
	case string:
		if len(v) <= c.text {
			return v
		}
		c.cuts = append(c.cuts, cut{path, len(v)})
		return fmt.Sprintf("%s… (cut: %d bytes in all)", head(v, c.text), len(v))
	case []any, object:
		return c.within(v, path)
	}
	return v
}

func (c *cutter) within(v any, path string) any {
	if c.depth == deepest {
		c.cuts = append(c.cuts, cut{path, length(v)})
		return fmt.Sprintf("… (cut: %d in all)", length(v))
	}
	c.depth++
	defer func() { c.depth-- }()
	if list, ok := v.([]any); ok {
		return c.list(list, path)
	}
	return c.object(v.(object), path)
}

func (c *cutter) list(v []any, path string) any {
	out := make([]any, 0, min(len(v), c.many)+1)
	for i, item := range v[:min(len(v), c.many)] {
		out = append(out, c.value(item, path+"/"+strconv.Itoa(i)))
	}
	if len(v) > c.many {
		c.cuts = append(c.cuts, cut{path, len(v)})
		out = append(out, fmt.Sprintf("… (cut: %d in all)", len(v)))
	}
	return out
}

func (c *cutter) object(v object, path string) any {
	out := make(object, 0, min(len(v), c.many)+1)
	for _, m := range v[:min(len(v), c.many)] {
		out = append(out, member{m.name, c.value(m.value, path+"/"+escape(m.name))})
	}
	if len(v) > c.many {
		c.cuts = append(c.cuts, cut{path, len(v)})
		out = append(out, member{"…", fmt.Sprintf("(cut: %d members in all)", len(v))})
	}
	return out
}

// head is the beginning of a text, of whole characters.
func head(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// size is how long a value's JSON is, or something above most. It looks at no
// more of a large value than it must.
func size(v any, most int) int {
	n := 0
	switch v := v.(type) {
	case []any:
		for i := 0; i < len(v) && n <= most; i++ {
			n += 1 + size(v[i], most-n)
		}
		return n + 2
	case object:
		for i := 0; i < len(v) && n <= most; i++ {
			n += 2 + size(v[i].name, most-n) + size(v[i].value, most-n)
		}
		return n + 2
	case string:
		if len(v) > most {
			return len(v)
		}
	}
	return len(encodeFlat(nil, v))
}

// take is as many of the items as an answer has room for, each shortened: one
// at least, if there are any. PathOf is where an item stands.
func take(items []any, pathOf func(i int) string) (some []any, cuts []cut) {
	each, left := perItem, budget
	if len(items) == 1 {
		each = budget
	}
	for i, item := range items {
		out, cut := shorten(item, pathOf(i), each)
		if left -= size(out, budget) + 2; left < 0 && i > 0 {
			break
		}
		some, cuts = append(some, out), append(cuts, cut...)
	}
	return some, cuts
}

// window is the part of a document at a path, from an offset on: characters of
// a text, members of a list or an object. It is cut to the budget; next is the
// offset that goes on, or zero. The path is a JSON pointer (RFC 6901).
func window(v any, path string, offset int) (out any, cuts []cut, next int, err error) {
	if v, err = at(v, path); err != nil {
		return nil, nil, 0, err
	}
	if n := length(v); offset > 0 && offset >= n {
		return nil, nil, 0, fmt.Errorf("offset %d is behind the end: there are %d", offset, n)
	}
	switch v := v.(type) {
	case string:
		text := []rune(v)[offset:]
		part := piece(string(text))
		return part, nil, after(offset, utf8.RuneCountInString(part), len(text)+offset), nil
	case []any:
		some, cuts := take(v[offset:], func(i int) string { return path + "/" + strconv.Itoa(offset+i) })
		return some, cuts, after(offset, len(some), len(v)), nil
	case object:
		some, cuts := takeMembers(v[offset:], path)
		return some, cuts, after(offset, len(some), len(v)), nil
	}
	return v, nil, 0, nil
}

// piece is as much of a text as an answer has room for, as JSON.
func piece(text string) string {
	for most := budget; ; most /= 2 {
		if part := head(text, most); size(part, budget) <= budget {
			return part
		}
	}
}

// length is of what an offset may count.
func length(v any) int {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v)
	case []any:
		return len(v)
	case object:
		return len(v)
	}
	return 0
}

func after(offset, taken, all int) int {
	if offset+taken < all {
		return offset + taken
	}
	return 0
}

func takeMembers(members object, path string) (out object, cuts []cut) {
	items := make([]any, len(members))
	for i := range members {
		items[i] = members[i : i+1]
	}
	some, cuts := take(items, func(int) string { return path }) // each is an object, which adds its name
	for _, item := range some {
		if o, ok := item.(object); ok {
			out = append(out, o...)
		} else {
			out = append(out, member{"…", item}) // its name is too long
		}
	}
	return out, cuts
}

// at is what stands at a path of a document.
func at(v any, path string) (any, error) {
	if path == "" {
		return v, nil
	}
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("the path %q does not begin with /: write one as in /lines/3/amount", path)
	}
	for step := range strings.SplitSeq(path[1:], "/") {
		next, ok := child(v, unescape(step))
		if !ok {
			return nil, fmt.Errorf("the path %q leads nowhere: there is no %q; leave it out to see what there is", path, unescape(step))
		}
		v = next
	}
	return v, nil
}

func child(v any, name string) (any, bool) {
	switch v := v.(type) {
	case object:
		for _, m := range v {
			if m.name == name {
				return m.value, true
			}
		}
	case []any:
		if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < len(v) {
			return v[i], true
		}
	}
	return nil, false
}

func escape(name string) string { return strings.NewReplacer("~", "~0", "/", "~1").Replace(name) }

func unescape(step string) string { return strings.NewReplacer("~1", "/", "~0", "~").Replace(step) }
