package runtime

import (
	"context"
	"slices"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
)

// Hidden stands in the place of a personal value that is not shown.
const Hidden = "•••"

// Covered says what was hidden of an event and its state.
type Covered struct {
	// Hidden counts the personal values of the event.
	Hidden int
	// Erased counts the personal values of the event that are gone for good.
	Erased int
	// State tells that something of the state was hidden.
	State bool
}

// Tagged tells whether anything that the runtime hosts is personal.
func (p Personal) Tagged() bool { return p.r.personal != nil && p.r.personal.tagged }

// Views are the names of the views that take events with personal fields: their
// rows may have such values.
func (p Personal) Views() (names []string) {
	if !p.Tagged() {
		return nil
	}
	for _, v := range p.r.registry.Views {
		if slices.ContainsFunc(v.Takes, func(t registry.Take) bool { return p.r.personal.events[p.r.eventType(t.Go)] != nil }) {
			names = append(names, v.Name)
		}
	}
	return names
}

// Cover puts Hidden in the place of the personal values of an entity's events,
// and of what may come from them in the states: where the state's type has
// personal fields, of these, and else of all its values. The moments are changed
// in place; they have to be of one entity, with versions that follow each other
// in either direction. It tells what it did with each.
func (p Personal) Cover(ctx context.Context, moments []Moment) ([]Covered, error) {
	covers := make([]Covered, len(moments))
	if len(moments) == 0 || p.r.personal == nil {
		return covers, nil
	}
	def := p.r.registry.Entity(moments[0].EntityType)
	if def == nil || !p.r.personal.entities[def] {
		return covers, nil
	}
	if err := p.coverPayloads(ctx, moments, covers); err != nil {
		return nil, Entities(p).fault("load what is personal", err)
	}
	for i := range moments {
		if s := moments[i].State; s != nil {
			moments[i].State, covers[i].State = p.r.personal.hideState(def, s)
		}
	}
	return covers, nil
}

// coverPayloads reads the events as they are stored, which tells what is sealed.
func (p Personal) coverPayloads(ctx context.Context, moments []Moment, covers []Covered) error {
	byVersion, first := map[int64]int{}, moments[0].Version
	for i := range moments {
		byVersion[moments[i].Version] = i
		first = min(first, moments[i].Version)
	}
	stream := store.Stream{Type: moments[0].EntityType, ID: moments[0].EntityID}
	for e, err := range p.r.unsealed().Load(ctx, stream, store.Version(first-1)) {
		if err != nil {
			return err
		}
		i, ok := byVersion[int64(e.Version)]
		if !ok {
			break
		}
		if moments[i].EventID != e.ID {
			continue // it came after a preview
		}
		data, c, err := p.r.personal.box.Hide(ctx, e.Data, p.r.personal.events[e.Type], Hidden)
		if err != nil {
			return err
		}
		moments[i].Payload, covers[i].Hidden, covers[i].Erased = data, c.Hidden, c.Erased
		delete(byVersion, int64(e.Version))
	}
	for _, i := range byVersion { // not stored, such as those of a preview
		m := &moments[i]
		if plan := p.r.personal.events[m.EventType]; plan != nil {
			m.Payload, covers[i].Hidden = plan.Hide(m.Payload, Hidden)
		}
	}
	return nil
}

// CoverState hides in an entity's state what Cover does.
func (p Personal) CoverState(entityType string, state []byte) []byte {
	def := p.r.registry.Entity(entityType)
	if p.r.personal == nil || def == nil || !p.r.personal.entities[def] || len(state) == 0 {
		return state
	}
	state, _ = p.r.personal.hideState(def, state)
	return state
}

// hideState hides what events may have left in a state.
func (p *personal) hideState(def *registry.Entity, state []byte) ([]byte, bool) {
	if plan := p.states[def]; plan != nil {
		data, n := plan.Hide(state, Hidden)
		return data, n > 0
	}
	return seal.HideAll(state, Hidden), true
}

// CoverJSON is data with Hidden in the place of all its values.
func CoverJSON(data []byte) []byte { return seal.HideAll(data, Hidden) }

// CoverEvent hides all values of an event of a type with personal fields, where
// it is not known how it is stored.
func (p Personal) CoverEvent(eventType string, data []byte) []byte {
	if p.r.personal == nil || p.r.personal.events[eventType] == nil {
		return data
	}
	return CoverJSON(data)
}
