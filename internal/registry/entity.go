package registry

import (
	"context"
	"reflect"
	"time"

	"github.com/talix-dev/talix/store"
)

// Entity is an entity type.
type Entity struct {
	Type   string
	Place  Place
	Faults []error

	ByGo   map[reflect.Type]*Event
	ByName map[string]*Event
	Events []*Event
	// Past is about the names whose events are not all stored in present form.
	Past map[string]*Past
	// SkipUnknown: stored events of names that are not known are none.
	SkipUnknown bool

	State reflect.Type
	// New makes a zero state, as a pointer.
	New func() any
	// Copy makes a state that shares nothing changeable with the given one.
	Copy func(state any) any
	// Flat: the state holds no references, so that Copy is cheap.
	Flat bool
	// Size estimates a state's bytes.
	Size func(state any) int

	// CodeVersion is that of the code of the reducer, from 1.
	CodeVersion int
	// SnapshotEvery is how many events lie between two snapshots; zero stands
	// for the runtime's default, below zero for none.
	SnapshotEvery int
}

// Event is an event type.
type Event struct {
	Type   string
	Schema int // the number of its present shape, from 1
	Go     reflect.Type
	// Decode reads data of the present shape.
	Decode func(data []byte) (any, error)
	Encode func(event any) ([]byte, error)
	// Apply folds a decoded event into a state made by New.
	Apply func(state, event any, e *store.Event)
}

// Command is a command of an entity.
type Command struct {
	Entity  *Entity
	Name    string
	Place   Place
	Faults  []error
	In, Out reflect.Type
	// Decode reads an input of type In from JSON.
	Decode func(data []byte) (any, error)
	// Handle runs the user's handler; an error is a *Fault or the user's own.
	Handle func(t Turn, in any) (any, error)
	// Flat: a reply can be handed on as it is, since it holds no references.
	Flat bool
}

// FullName is unique in a runtime.
func (c *Command) FullName() string { return c.Entity.Type + "." + c.Name }

// Turn is what a command's handler may do.
type Turn interface {
	ID() string
	Version() store.Version
	Time() time.Time
	// State is the pointer that holds the entity's state.
	State() any
	// Emit applies the event to the state and adds it to the turn's events.
	Emit(event any)
	// End is Emit of the entity's last event.
	End(event any)
	// Schedule sets a timer of the entity with the turn's events, Unschedule
	// removes it.
	Schedule(t *Timer, key string, when time.Time, in []byte)
	Unschedule(t *Timer, key string)
	NewID() string
	// Claims is what the handler may do to unique values.
	Claims() Claims
	Reader
}

// Claims changes the unique values that a turn's entity holds.
type Claims interface {
	// Reserve makes the entity the holder of a value with the turn's events,
	// Release ends that; ReleaseAll does so for all that it holds.
	Reserve(u *Unique, value string) error
	Release(u *Unique, value string) error
	ReleaseAll() error
}

// Holders is a Reader that knows of unique values.
type Holders interface {
	// Holder is who holds a unique value; false: no one.
	Holder(ctx context.Context, u *Unique, value string) (store.Stream, bool, error)
}

// Unique is a set of values each of which one entity holds at most.
type Unique struct {
	Name     string
	Personal bool // only a keyed digest of values is stored
	Place    Place
	Faults   []error
}

// Reader reads the confirmed state of entities.
type Reader interface {
	// Read returns a pointer to a copy of an entity's state, and its version;
	// zero if it has no events.
	Read(ctx context.Context, e *Entity, id string) (any, store.Version, error)
}
