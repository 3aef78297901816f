package move

import (
	"slices"
	"time"

	"github.com/talix-dev/talix/store"
)

// Filter says which events are wanted. Empty fields want all.
type Filter struct {
	Entities []string  `json:"entities,omitempty"` // entity types
	IDs      []string  `json:"ids,omitempty"`      // entity ids
	Events   []string  `json:"events,omitempty"`   // event types
	From     time.Time `json:"from,omitzero"`      // events of that time and later
	Until    time.Time `json:"until,omitzero"`     // events before that time
}

// Wants tells whether an event is wanted.
func (f *Filter) Wants(e *store.Event) bool {
	return among(f.Entities, e.Stream.Type) && among(f.IDs, e.Stream.ID) && among(f.Events, e.Type) &&
		(f.From.IsZero() || !e.Time.Before(f.From)) && (f.Until.IsZero() || e.Time.Before(f.Until))
}

func among(wanted []string, s string) bool { return len(wanted) == 0 || slices.Contains(wanted, s) }

// same tells whether two filters want the same.
func (f *Filter) same(o *Filter) bool {
	return slices.Equal(f.Entities, o.Entities) && slices.Equal(f.IDs, o.IDs) && slices.Equal(f.Events, o.Events) &&
		f.From.Equal(o.From) && f.Until.Equal(o.Until)
}
