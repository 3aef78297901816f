package talixtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
)

// comparison finds out what became of events that were stored. now gets what
// only the file tells.
type comparison struct {
	entities map[string]*registry.Entity
	was, now schemas
	faults   []string // what can't be read any more
	news     []string // what the file does not tell yet
}

func (c *comparison) compare() {
	for _, entity := range sorted(c.was) {
		if c.now[entity] == nil {
			c.fault("entity %q is gone, but its events are stored: add it to a service that this test is given; its type never changes", entity)
			continue
		}
		for _, name := range sorted(c.was[entity]) {
			c.event(entity, name)
		}
	}
	for _, entity := range sorted(c.now) {
		if c.was[entity] == nil {
			c.tell("entity %q is new", entity)
		}
		for _, name := range sorted(c.now[entity]) {
			if c.was[entity] != nil {
				c.known(entity, name)
			}
			c.examples(entity, name)
		}
	}
}

func (c *comparison) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

func (c *comparison) tell(format string, args ...any) {
	c.news = append(c.news, fmt.Sprintf(format, args...))
}

// event compares an event of the file with what it is by now.
func (c *comparison) event(entity, name string) {
	e, was := c.entities[entity], c.was[entity][name]
	now := c.find(entity, name)
	if now == nil {
		c.fault("%s", c.gone(e, name, was))
		return
	}
	for _, before := range was.Names {
		if c.find(entity, before) != now {
			c.fault("event %q of entity %q was called %q before, and is stored under that name, too: write talix.Event[…](%q).Renamed(%q)", name, entity, before, now.past.Name, before)
		}
	}
	switch {
	case now.State == stateRetired:
	case len(now.Versions) < len(was.Versions):
		c.fault("event %q of entity %q is stored up to its version %d, and the code knows it up to version %d: give it the Was of its past shapes again, or the Became before it", name, entity, len(was.Versions), len(now.Versions))
	default:
		for i, v := range was.Versions {
			c.version(e, now, i+1, v)
		}
	}
	now.adopt(was)
}

// find is what events that were stored under a name are by now.
func (c *comparison) find(entity, name string) *eventSchema {
	for main, s := range c.now[entity] {
		if main == name || slices.Contains(s.Names, name) {
			return s
		}
	}
	return nil
}

// version compares a version of an event.
func (c *comparison) version(e *registry.Entity, now *eventSchema, n int, was *versionSchema) {
	is := now.Versions[n-1]
	if was.Fields == nil || is.Fields == nil {
		return
	}
	broken := incompatible(was.Fields, is.Fields)
	if len(broken) == 0 {
		return
	}
	if present := now.def != nil && n == now.def.Schema; !present {
		c.fault("event %q of entity %q: %s in the type of its version %d, which is one of the past and stays as it was: mend the type that Was or Became has for it",
			now.past.Name, e.Type, strings.Join(broken, "; "), n)
		return
	}
	c.fault("event %q of entity %q: %s.\n%s", now.past.Name, e.Type, strings.Join(broken, "; "), mendShape(now, n, was.Fields))
}

// incompatible says what documents of one kind lack for being of another.
func incompatible(was, is fields) (broken []string) {
	for _, path := range sorted(was) {
		if inside(path, was, is) {
			continue
		}
		before, after := strings.TrimSuffix(was[path], optional), strings.TrimSuffix(is[path], optional)
		switch _, there := is[path]; {
		case !there:
			broken = append(broken, fmt.Sprintf("the field %q (%s) is gone", path, before))
		case before != after && strings.ReplaceAll(before, "integer", "number") != after:
			broken = append(broken, fmt.Sprintf("the field %q was %s and is %s", path, before, after))
		}
	}
	for _, path := range sorted(is) {
		if inside(path, is, was) || strings.HasSuffix(is[path], optional) {
			continue
		}
		switch before, there := was[path]; {
		case !there:
			broken = append(broken, fmt.Sprintf("the field %q (%s) is new and required, but what is stored lacks it (if its zero value is right for that, give it omitzero in its json tag)", path, is[path]))
		case strings.HasSuffix(before, optional):
			broken = append(broken, fmt.Sprintf("the field %q was optional and is required", path))
		}
	}
	return broken
}

// inside tells whether a path lies below one that the others lack or have as
// something else, which is told already.
func inside(path string, of, others fields) bool {
	for i := len(path) - 1; i > 0; i-- {
		above := path[:i]
		if kind, there := of[above]; there && others[above] != kind && strings.TrimSuffix(others[above], optional) != strings.TrimSuffix(kind, optional) {
			return true
		}
	}
	return false
}

// known tells what the file does not know of an event.
func (c *comparison) known(entity, name string) {
	now, was := c.now[entity][name], c.was[entity][name]
	if was == nil {
		for _, before := range now.Names {
			if old := c.was[entity][before]; old != nil && was == nil {
				c.tell("event %q of entity %q was renamed to %q", before, entity, name)
				was = old
			}
		}
	}
	switch {
	case was == nil:
		c.tell("event %q of entity %q is new", name, entity)
		return
	case was.State != now.State:
		c.tell("event %q of entity %q is %s", name, entity, map[string]string{stateBecame: "other events by now", stateRetired: "retired", "": "stored again"}[now.State])
	}
	for _, before := range now.Names {
		if c.was[entity][before] == nil && !slices.Contains(was.Names, before) {
			c.tell("event %q of entity %q was called %q before", name, entity, before)
		}
	}
	for i, v := range now.Versions {
		if i >= len(was.Versions) {
			c.tell("version %d of event %q of entity %q is new", i+1, name, entity)
		} else if !maps.Equal(v.Fields, was.Versions[i].Fields) {
			c.tell("version %d of event %q of entity %q has other fields", i+1, name, entity)
		}
	}
}

// adopt takes from the file what the code does not tell.
func (s *eventSchema) adopt(was *eventSchema) {
	for i, v := range was.Versions {
		if i == len(s.Versions) {
			s.Versions = append(s.Versions, &versionSchema{})
		}
		if s.Versions[i].Fields == nil {
			s.Versions[i].Fields = v.Fields
		}
		s.Versions[i].Examples = append(s.Versions[i].Examples, v.Examples...)
	}
	for _, name := range was.Names {
		if !slices.Contains(s.Names, name) {
			s.Names = append(s.Names, name)
			slices.Sort(s.Names)
		}
	}
}

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
