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

// Event names an event type: E is the Go type, typ the name that is stored with
// every event, as in "DOCUMENTS:DOCUMENT_CREATED". Events are stored as JSON.
//
// What was stored once stays as it is. Where E changes so that older data can't
// be read as it any more, past says how E was shaped before (see Was); a name
// that has to change is given to Renamed. The present shape has the number that
// follows those of the past ones, and is stored with every event.
func Event[E EventFor[S], S any](typ string, past ...Past[E]) EventType[S] {
	before := onePast(past)
	return EventType[S]{name: typ, shapes: erased(before), faults: before.faults, def: &registry.Event{
		Type:   typ,
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

// Meta is what the runtime knows of an event beside its data. Of an event that
// was upcast, EventType is the present one; those that one stored event became
// have its Version, and ids of their own, but for the first, which has its id.
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
