package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

// GroupPart is what one entity got in a group.
type GroupPart struct {
	Type string `json:"type"`
	ID   string `json:"id"`
	// Version is that of its last event of the group; zero: it is not known, or
	// there was none.
	Version int64    `json:"version,omitempty"`
	Events  []string `json:"events,omitempty"` // their types, in order
}

// Together are the other entities that were changed in one append with an
// event, by a group; none for an event of a single command.
func (a *API) Together(ctx context.Context, entityType, id string, version int64) ([]GroupPart, error) {
	if err := a.hasEntity(entityType); err != nil {
		return nil, err
	}
	if version < 1 {
		return nil, talix.Invalid("query.version", "is the version of an event, from 1 on")
	}
	moments, err := a.rt.Entities().Events(ctx, entityType, id, runtime.EventFilter{From: version, To: version})
	if err != nil {
		return nil, err
	}
	if len(moments) == 0 {
		return nil, talix.NotFound("%s %q has no version %d", entityType, id, version)
	}
	of := &moments[0].Logged
	events, err := a.rt.Log().Together(ctx, of)
	if err != nil {
		return nil, err
	}
	parts := group{}
	for i := range events {
		e := &events[i]
		p := parts.of(e.EntityType, e.EntityID)
		p.Version, p.Events = e.Version, append(p.Events, e.EventType)
	}
	for _, r := range a.meter.Recent(talix.MaxGroup, func(r *meter.Record) bool {
		return r.Command == of.CommandID && r.Kind == talix.KindCommand && r.Code == ""
	}) {
		parts.of(entityOf(r.Name), r.EntityID)
	}
	return parts.without(entityType, id), nil
}

// entityOf is the entity type of a command, by its whole name.
func entityOf(command string) string {
	entityType, _, _ := strings.Cut(command, ".")
	return entityType
}

// group are parts by their entities.
type group map[[2]string]*GroupPart

func (g group) of(entityType, id string) *GroupPart {
	key := [2]string{entityType, id}
	if g[key] == nil {
		g[key] = &GroupPart{Type: entityType, ID: id}
	}
	return g[key]
}

func (g group) without(entityType, id string) (all []GroupPart) {
	delete(g, [2]string{entityType, id})
	for _, p := range g {
		all = append(all, *p)
	}
	slices.SortFunc(all, func(a, b GroupPart) int { return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.ID, b.ID)) })
	return all
}
