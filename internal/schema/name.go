package schema

import (
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// names gives each struct type a name of its own in the document.
type names struct {
	byType map[reflect.Type]string
	taken  map[string]bool
}

func newNames() *names {
	return &names{byType: map[reflect.Type]string{}, taken: map[string]bool{}}
}

// of is huma's namer, but for types of several packages (or several types
// without a name) that would get the same one.
func (n *names) of(t reflect.Type, hint string) string {
	t = deref(t)
	if t.Kind() != reflect.Struct {
		return huma.DefaultSchemaNamer(t, hint)
	}
	if name, ok := n.byType[t]; ok {
		return name
	}
	name := n.free(t, hint)
	n.byType[t], n.taken[name] = name, true
	return name
}

func (n *names) free(t reflect.Type, hint string) string {
	short := clean(huma.DefaultSchemaNamer(t, hint))
	if !n.taken[short] {
		return short
	}
	long := clean(qualified(t, hint))
	if !n.taken[long] {
		return long
	}
	for i := 2; ; i++ {
		if name := fmt.Sprint(long, i); !n.taken[name] {
			return name
		}
	}
}

// qualified puts the packages' names before those of types, also where they are
// type arguments.
func qualified(t reflect.Type, hint string) string {
	if t.Name() == "" {
		return hint
	}
	var b strings.Builder
	for part := range strings.FieldsFuncSeq(t.PkgPath()+"."+t.Name(), func(r rune) bool { return strings.ContainsRune("[]*,", r) }) {
		pkg, name, ok := cutLast(part)
		if ok {
			b.WriteString(title(path.Base(pkg)))
		}
		b.WriteString(title(name))
	}
	return b.String()
}

func cutLast(s string) (before, after string, ok bool) {
	if i := strings.LastIndexByte(s, '.'); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

func title(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// clean keeps what a reference may hold without escapes.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' {
			return r
		}
		return -1
	}, s)
	if s == "" {
		return "Object"
	}
	return s
}
