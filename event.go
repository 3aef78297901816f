package talix

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// EventFor is implemented by the events of entities whose state is S: a struct
// with a method Apply that folds the event into the state. Apply must be a pure
// function of its receiver, the state and the metadata: it runs whenever the
// entity is loaded.
type EventFor[S any] interface {
	Apply(state *S, m Meta)
}

// EventType is an event type of an entity, for NewEntity.
type EventType[S any] struct {
	def *registry.Event
}

// Event names an event type: E is the Go type, typ the name that is stored with
// every event and must never change, as in "DOCUMENTS:DOCUMENT_CREATED". Events
// are stored as JSON.
func Event[E EventFor[S], S any](typ string) EventType[S] {
	return EventType[S]{&registry.Event{
		Type:   typ,
		Schema: 1,
		Go:     reflect.TypeFor[E](),
		Encode: json.Marshal,
		Decode: func(data []byte) (any, error) {
			var e E
			if err := json.Unmarshal(data, &e); err != nil {
				return nil, fmt.Errorf("decode event %s: %w", typ, err)
			}
			return e, nil
		},
		Apply: func(state, event any, e *store.Event) {
			event.(E).Apply(state.(*S), metaOf(e))
		},
	}}
}

// Meta is what the runtime knows of an event beside its data.
type Meta struct {
	EventID       store.ID
	EventType     string
	EntityType    string
	EntityID      string
	Version       int64     // of the entity, after this event; from 1
	Time          time.Time // when the command emitted it, UTC, in microseconds
	CommandID     store.ID
	CorrelationID store.ID // shared by everything that one outside cause led to
	CausationID   store.ID // the event or request behind the command; zero if none
}

// Recorded is an event as it stands in the log. Data is shared between all that
// handle it and must not be changed.
type Recorded[E any] struct {
	Meta
	Data E
}

func metaOf(e *store.Event) Meta {
	return Meta{
		EventID:       e.ID,
		EventType:     e.Type,
		EntityType:    e.Stream.Type,
		EntityID:      e.Stream.ID,
		Version:       int64(e.Version),
		Time:          e.Time,
		CommandID:     e.Command,
		CorrelationID: e.Correlation,
		CausationID:   e.Causation,
	}
}
