package registry

import (
	"fmt"
	"reflect"
	"runtime/debug"

	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/store"
)

// Past says how the events that were stored under a name are read, where that
// takes more than decoding them.
type Past struct {
	// Name is the last that they were stored under.
	Name string
	// Now is the present event of that name; nil if there is none any more.
	Now *Event
	// Shapes are those that the data had before, by store.Event.Schema from 1.
	Shapes []Shape
	// Retired: the events have no effect any more, whatever their schema.
	Retired bool
}

// Shape is how data was shaped once.
type Shape struct {
	// Go is what the data is decoded into; nil if its fields are not known.
	Go reflect.Type
	// Upcast makes present events of the data: one of the type Past.Now, or, if
	// Splits is set, any of the entity's, in order.
	Upcast func(data []byte) ([]any, error)
	Splits bool
}

// Newest is the highest schema that is known.
func (p *Past) Newest() int {
	if p.Now != nil {
		return len(p.Shapes) + 1
	}
	return len(p.Shapes)
}

// splits tells that what the events became is only known once they are read.
func (p *Past) splits() bool {
	for i := range p.Shapes {
		if p.Shapes[i].Splits {
			return true
		}
	}
	return false
}

// Facts are what a stored event is by now: mostly one event, but an old one
// may have become several, or none.
type Facts struct {
	one  Fact
	more []Fact // of one that was upcast
}

// Fact is one present event.
type Fact struct {
	Event *Event
	Data  any // of type Event.Go
	// As is the stored event. Of one that was upcast it is what the present
	// program would have stored, without the data if that has another shape;
	// the second and later ones of a stored event have ids made of its id.
	As *store.Event
}

// FactsOf is a stored event that is what it was: data is what it was decoded to.
func FactsOf(ev *Event, data any, as *store.Event) Facts {
	return Facts{one: Fact{ev, data, as}}
}

// Len is how many events it is.
func (f *Facts) Len() int {
	if f.one.Event != nil {
		return 1
	}
	return len(f.more)
}

// At is one of them.
func (f *Facts) At(i int) Fact {
	if f.one.Event != nil {
		return f.one
	}
	return f.more[i]
}

// Upcast tells that the event was stored in another form than the present one.
func (f *Facts) Upcast() bool { return f.one.Event == nil }

// Decode reads a stored event. An error means that this program can't read it.
func (e *Entity) Decode(s *store.Event) (Facts, error) {
	ev := e.ByName[s.Type]
	if ev == nil || ev.Schema != s.Schema {
		return e.upcast(s)
	}
	data, err := ev.Decode(s.Data)
	if err != nil {
		return Facts{}, err
	}
	return FactsOf(ev, data, s), nil
}

// Fold applies a stored event to a state. It panics where the user's Apply does.
func (e *Entity) Fold(state any, s *store.Event) error {
	facts, err := e.Decode(s)
	if err != nil {
		return err
	}
	for i := range facts.Len() {
		f := facts.At(i)
		f.Event.Apply(state, f.Data, f.As)
	}
	return nil
}

// Knows tells whether the entity says what becomes of events of that name.
func (e *Entity) Knows(name string) bool { return e.ByName[name] != nil || e.Past[name] != nil }

// MayBe tells whether what was stored under a name can be the event by now.
// What is not known can, unless it is to be skipped: reading it then fails.
func (e *Entity) MayBe(name string, ev *Event) bool {
	if p := e.Past[name]; p != nil {
		return p.Now == ev || p.splits()
	}
	if now := e.ByName[name]; now != nil {
		return now == ev
	}
	return !e.SkipUnknown
}

func (e *Entity) upcast(s *store.Event) (Facts, error) {
	p := e.Past[s.Type]
	switch ev := e.ByName[s.Type]; {
	case p == nil && ev == nil && e.SkipUnknown, p != nil && p.Retired:
		return Facts{}, nil
	case p == nil && ev == nil:
		return Facts{}, fmt.Errorf("entity %q has no event type %q: add talix.Event[…](%q) to its NewEntity, Renamed(%q) to the event that it is now, or talix.Retired[…](%q) if it has no effect any more",
			e.Type, s.Type, s.Type, s.Type, s.Type)
	case p == nil:
		p = &Past{Name: ev.Type, Now: ev}
	}
	return e.convert(p, s)
}

// convert brings an event to its present form.
func (e *Entity) convert(p *Past, s *store.Event) (Facts, error) {
	switch newest := p.Newest(); {
	case s.Schema > newest:
		return Facts{}, fmt.Errorf("event %s was stored as its version %d, and this program knows it up to version %d: run the newer program that stored it, or give the event its upcasters again",
			s.Type, s.Schema, newest)
	case s.Schema < 1:
		return Facts{}, fmt.Errorf("event %s was stored as its version %d, and versions begin with 1: %w", s.Type, s.Schema, store.ErrCorrupt)
	case s.Schema == len(p.Shapes)+1: // under another name
		data, err := p.Now.Decode(s.Data)
		if err != nil {
			return Facts{}, err
		}
		as := *s
		as.Type = p.Now.Type
		return Facts{more: []Fact{{p.Now, data, &as}}}, nil
	}
	values, err := upcast(p.Shapes[s.Schema-1].Upcast, s.Data)
	if err != nil {
		return Facts{}, fmt.Errorf("upcast version %d of event %s: %w", s.Schema, s.Type, err)
	}
	return e.facts(values, s)
}

// upcast runs the user's code and turns a panic into an error.
func upcast(fn func([]byte) ([]any, error), data []byte) (values []any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(data)
}

// facts are the present events that a stored one became.
func (e *Entity) facts(values []any, s *store.Event) (Facts, error) {
	all := make([]Fact, len(values))
	for i, v := range values {
		ev := e.ByGo[reflect.TypeOf(v)]
		if ev == nil {
			return Facts{}, fmt.Errorf("event %s became %T, which is no event of entity %q: add talix.Event[%T](…) to its NewEntity, before or after", s.Type, v, e.Type, v)
		}
		as := *s
		as.Type, as.Schema, as.Data = ev.Type, ev.Schema, nil
		if i > 0 {
			as.ID = id.Derive(id.DeriveName(s.ID, "became"), uint64(i))
		}
		all[i] = Fact{ev, v, &as}
	}
	return Facts{more: all}, nil
}
