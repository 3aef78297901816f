package project

import (
	"fmt"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// sort finds out which stored events can be what the view takes.
func (v *view) sort() {
	v.takes, v.entities, v.ends = map[string]*take{}, map[string]*take{}, map[string]*take{}
	for _, t := range v.events {
		if v.entities[t.entity.Type] == nil {
			unread := &take{entity: t.entity}
			v.entities[t.entity.Type] = unread
			v.sortEntity(unread)
		}
		if slices.ContainsFunc(t.ops, op.byID) && !v.sheets[0].def.KeepDeleted {
			v.ends[t.entity.Type] = &take{entity: t.entity, bare: true}
		}
	}
}

func (v *view) sortEntity(unread *take) {
	for _, name := range unread.entity.Names() {
		if now := unread.entity.ByName[name]; now != nil && v.events[now] != nil {
			v.takes[name] = v.events[now]
			continue
		}
		for ev := range v.events {
			if unread.entity.MayBe(name, ev) {
				v.takes[name] = unread
			}
		}
	}
}

// takeOf is what to do with a stored event; nil: nothing. One whose name its
// entity does not know is to be read, which fails.
func (v *view) takeOf(e *store.Event) *take {
	if t := v.takes[e.Type]; t != nil && t.entity.Type == e.Stream.Type {
		return t
	}
	unread := v.entities[e.Stream.Type]
	if unread != nil && !unread.entity.SkipUnknown && !unread.entity.Knows(e.Type) {
		return unread
	}
	if end := v.ends[e.Stream.Type]; end != nil && registry.Ends(e) {
		return end
	}
	return nil
}

// pasts tell how the events that the view takes were stored before. Where there
// is nothing to tell, there is no line.
func (v *view) pasts() (lines []string) {
	for _, t := range v.entities {
		for name, p := range t.entity.Past {
			if v.takes[name] != nil {
				lines = append(lines, fmt.Sprintf("past %s %s %s %d", t.entity.Type, name, p.Name, p.Newest()))
			}
		}
	}
	slices.Sort(lines)
	return lines
}
