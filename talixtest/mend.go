package talixtest

import (
	"fmt"
	"maps"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/talix-dev/talix/internal/registry"
)

// mendShape is the code that makes of a version, as it was stored, what the
// event is by now.
func mendShape(now *eventSchema, n int, was fields) string {
	present := nameOf(now.def.Go)
	old := fmt.Sprintf("%sV%d", lower(present), n)
	older := ""
	if n > 1 {
		older = fmt.Sprintf(",\n\t\t\t… its Was until now, whose last upcaster returns %s", old)
	}
	return fmt.Sprintf(`What is stored stays as it is, so keep how it was and say what it is by now; the event then has version %d:

	%s

	talix.Event[%s](%q,
		talix.Was(func(old %s) %s {
			return %s{…}
		}%s))`, n+1, strings.ReplaceAll(structOf(old, was), "\n", "\n\t"), present, now.past.Name, old, present, present, older)
}

// gone says what to do where the code does not know an event any more.
func (c *comparison) gone(e *registry.Entity, name string, was *eventSchema) string {
	state := nameOf(e.State)
	likely := "…"
	for _, ev := range e.Events {
		if last := was.last(); last != nil && c.was[e.Type][ev.Type] == nil && maps.Equal(fieldsOf(ev.Go), last.Fields) {
			likely = ev.Type
		}
	}
	return fmt.Sprintf(`event %q of entity %q is gone, but such events are stored. Give it back, or write in the NewEntity of %q one of these:

	// It has another name by now:
	talix.Event[…](%q).Renamed(%q)

	// It has no effect any more:
	talix.Retired[%s](%q)

	// It is other events by now:
	talix.Became(%q, func(old …) []talix.EventFor[%s] {
		return []talix.EventFor[%s]{…}
	})`, name, e.Type, e.Type, likely, name, state, name, name, state, state)
}

// last is the newest version that was stored, or nil.
func (s *eventSchema) last() *versionSchema {
	if len(s.Versions) == 0 {
		return nil
	}
	return s.Versions[len(s.Versions)-1]
}

// nameOf is a type's name without its arguments.
func nameOf(t reflect.Type) string {
	name, _, _ := strings.Cut(t.Name(), "[")
	return name
}

func lower(name string) string {
	first, n := utf8.DecodeRuneInString(name)
	return string(unicode.ToLower(first)) + name[n:]
}

// structOf is a Go type for documents.
func structOf(name string, f fields) string {
	if kind, whole := f["."]; whole {
		return fmt.Sprintf("type %s %s", name, goKind(kind))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "type %s struct {\n", name)
	for _, path := range sorted(f) {
		if strings.ContainsAny(path, ".[{") { // a part of another field
			continue
		}
		kind, tag := strings.TrimSuffix(f[path], optional), path
		if strings.HasSuffix(kind, " in a string") {
			tag += ",string"
		}
		fmt.Fprintf(&b, "\t%s %s `json:%q`\n", goName(path), goKind(kind), tag)
	}
	return b.String() + "}"
}

// goKind is a Go type for a JSON type.
func goKind(kind string) string {
	kind = strings.TrimSuffix(kind, " in a string")
	if elem, is := strings.CutPrefix(kind, "array of "); is {
		return "[]" + goKind(elem)
	}
	if elem, is := strings.CutPrefix(kind, "map of "); is {
		return "map[string]" + goKind(elem)
	}
	known := map[string]string{
		"boolean": "bool", "string": "string", "integer": "int64", "number": "float64", "time": "time.Time", "bytes": "[]byte",
	}
	if t := known[kind]; t != "" {
		return t
	}
	return "json.RawMessage"
}

// goName is a field's name in Go.
func goName(name string) string {
	var b strings.Builder
	up := true
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && (b.Len() == 0 || !unicode.IsDigit(r)):
			up = true
		case up:
			b.WriteRune(unicode.ToUpper(r))
			up = false
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
