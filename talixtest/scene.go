package talixtest

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Scene is what a command finds: an entity with its events, other entities that
// it may load, and the time. A Scene does not change, so that several commands
// can be tried on it; its methods return another one.
type Scene[S any] struct {
	t       T
	entity  *registry.Entity
	id      string
	now     time.Time
	streams map[store.Stream][]store.Event
}

// Begin is where the clock of a test stands at first: the first midnight of the
// year 2000, UTC, as in testing/synctest.
func Begin() time.Time { return time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) }

// Given is a scene with an entity whose events are the given ones, in order;
// without any, it does not exist yet. They happened at Begin, and so does what
// comes next, unless At says otherwise.
//
// The test fails if an event cannot be written as JSON and read back as what it
// was, if folding the events panics, or if folding them twice leads to two
// states.
func Given[S any](t T, e *talix.Entity[S], id string, events ...talix.EventFor[S]) *Scene[S] {
	t.Helper()
	s := &Scene[S]{t: t, entity: entityOf(e), id: id, now: Begin()}
	return s.Given(events...)
}

// And adds another entity, which handlers may Load.
func And[S, O any](s *Scene[S], e *talix.Entity[O], id string, events ...talix.EventFor[O]) *Scene[S] {
	s.t.Helper()
	return s.with(entityOf(e), id, anys(events))
}

// Given adds later events of the scene's entity.
func (s *Scene[S]) Given(events ...talix.EventFor[S]) *Scene[S] {
	s.t.Helper()
	return s.with(s.entity, s.id, anys(events))
}

// At lets what comes after, events and a command, happen at the given time. It
// is taken as the runtime takes times: in UTC and in microseconds.
func (s *Scene[S]) At(now time.Time) *Scene[S] {
	c := *s
	c.now = now.UTC().Truncate(time.Microsecond)
	return &c
}

// Time is when what comes next happens.
func (s *Scene[S]) Time() time.Time { return s.now }

// Fold is the state that the entity's events add up to.
func (s *Scene[S]) Fold() S {
	s.t.Helper()
	return *s.fold().(*S)
}

// State fails the test unless the entity's events add up to want.
func (s *Scene[S]) State(want S) *Scene[S] {
	s.t.Helper()
	if got := s.Fold(); !equal(want, got) {
		s.t.Errorf("%s: another state than expected\n%s", s.name(), differ(want, got))
	}
	return s
}

func (s *Scene[S]) name() string { return fmt.Sprintf("%s %q", s.entity.Type, s.id) }

func (s *Scene[S]) stream() store.Stream { return store.Stream{Type: s.entity.Type, ID: s.id} }

// fold folds the entity's events, twice.
func (s *Scene[S]) fold() any {
	s.t.Helper()
	state, err := foldTwice(s.entity, s.streams[s.stream()])
	if err != nil {
		s.t.Fatalf("%s: %v", s.name(), err)
	}
	return state
}

// with is the scene with more events of an entity.
func (s *Scene[S]) with(e *registry.Entity, id string, values []any) *Scene[S] {
	s.t.Helper()
	c, stream := *s, store.Stream{Type: e.Type, ID: id}
	c.streams = maps.Clone(s.streams)
	if c.streams == nil {
		c.streams = map[store.Stream][]store.Event{}
	}
	events := slices.Clip(c.streams[stream])
	for _, v := range values {
		event, err := recorded(e, stream, store.Version(len(events)+1), s.now, v)
		if err != nil {
			s.t.Fatalf("%s %q: given event %d: %v", e.Type, id, len(events)+1, err)
		}
		events = append(events, event)
	}
	c.streams[stream] = events
	if _, err := foldTwice(e, events); err != nil {
		s.t.Fatalf("%s %q: %v", e.Type, id, err)
	}
	return &c
}

func anys[E any](events []E) []any {
	out := make([]any, len(events))
	for i, e := range events {
		out[i] = e
	}
	return out
}

// entityOf is the definition of an entity in the engine's terms.
func entityOf[S any](e *talix.Entity[S]) *registry.Entity {
	r := registry.New()
	e.Register(r)
	return r.Entities[0]
}
