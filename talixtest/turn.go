package talixtest

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// turn is one run of a command's handler on a scene; it is the registry.Turn
// that the handler gets.
type turn struct {
	entity  *registry.Entity
	stream  store.Stream
	now     time.Time
	streams map[store.Stream][]store.Event

	state  any
	events []store.Event // those before, and those emitted
	before int
	timers []Timer
	ids    int
	ended  bool // by an event that is to be the last
	faults []error
}

var (
	_ registry.Turn    = (*turn)(nil)
	_ registry.Holders = (*turn)(nil)
)

// Timer is what a command did to a timer of its entity.
type Timer struct {
	Name, Key string
	When      time.Time
	In        json.RawMessage
	// Removed: it was unscheduled.
	Removed bool
}

func (t *turn) ID() string { return t.stream.ID }

func (t *turn) Version() store.Version { return store.Version(len(t.events)) }

func (t *turn) Time() time.Time { return t.now }

func (t *turn) State() any { return t.state }

func (t *turn) NewID() string {
	t.ids++
	return ID(t.ids)
}

// Emit applies the event as the runtime does: as the handler gave it.
func (t *turn) Emit(value any) {
	t.unchanged(errChanged)
	if t.ended {
		t.faults = append(t.faults, errAfterEnd)
		return
	}
	event, err := recorded(t.entity, t.stream, t.Version()+1, t.now, value)
	if err != nil {
		t.faults = append(t.faults, err)
	}
	if event.Data == nil {
		return
	}
	t.events = append(t.events, event)
	t.entity.ByName[event.Type].Apply(t.state, value, &t.events[len(t.events)-1])
}

// End is Emit of the entity's last event.
func (t *turn) End(value any) {
	t.Emit(value)
	if n := len(t.events); n > t.before {
		t.events[n-1].Metadata = registry.EndMark()
	}
	t.ended = true
}

// unchanged notes a fault unless the state is what the events add up to.
func (t *turn) unchanged(fault error) {
	want, err := fold(t.entity, t.events)
	switch {
	case err != nil:
		t.faults = append(t.faults, err)
	case !equal(want, t.state) && len(t.faults) == 0:
		t.faults = append(t.faults, &stateFault{fault, differ(want, t.state)})
	}
}

type stateFault struct {
	error
	diff string
}

func (f *stateFault) Error() string { return f.error.Error() + "\n" + f.diff }

func (t *turn) Schedule(timer *registry.Timer, key string, when time.Time, in []byte) {
	t.arm(Timer{Name: timer.Name, Key: key, When: when.UTC().Truncate(time.Microsecond), In: in})
}

func (t *turn) Unschedule(timer *registry.Timer, key string) {
	t.arm(Timer{Name: timer.Name, Key: key, Removed: true})
}

// arm keeps what is done last to each timer.
func (t *turn) arm(timer Timer) {
	t.timers = slices.DeleteFunc(t.timers, func(o Timer) bool { return o.Name == timer.Name && o.Key == timer.Key })
	t.timers = append(t.timers, timer)
}

// Claims is the turn itself.
func (t *turn) Claims() registry.Claims { return t }

// Reserve lets the command have the value: what other entities hold is for
// tests with a runtime.
func (t *turn) Reserve(*registry.Unique, string) error { return nil }

// Release does nothing; see Reserve.
func (t *turn) Release(*registry.Unique, string) error { return nil }

// ReleaseAll does nothing; see Reserve.
func (t *turn) ReleaseAll() error { return nil }

// Holder knows of no holders; see Reserve.
func (t *turn) Holder(context.Context, *registry.Unique, string) (store.Stream, bool, error) {
	return store.Stream{}, false, nil
}

// Read reads what the scene has of an entity.
func (t *turn) Read(_ context.Context, e *registry.Entity, id string) (any, store.Version, error) {
	if e == t.entity && id == t.stream.ID {
		return e.Copy(t.state), t.Version(), nil
	}
	events := t.streams[store.Stream{Type: e.Type, ID: id}]
	state, err := fold(e, events)
	return state, store.Version(len(events)), err
}
