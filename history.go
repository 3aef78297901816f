package talix

import (
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// AsOf is a moment in an entity's history. The zero AsOf is now.
type AsOf struct {
	Version int64     // after the event of that version
	Time    time.Time // after the last event that is not later; if Version is zero
}

// Version is the moment after the event of a version, from 1.
func Version(n int64) AsOf { return AsOf{Version: n} }

// At is the moment after the last event that is not later than a time.
func At(t time.Time) AsOf { return AsOf{Time: t} }

// StateAt reads the state that an entity had at a moment. It is folded from the
// events, as their Apply methods are now. That the entity did not exist then,
// or has no such version, is an ErrNotFound.
func StateAt[S any](ctx Asker, e *Entity[S], id string, at AsOf) (Loaded[S], error) {
	c, host := ctx.asker()
	h, ok := host.(registry.Historian)
	if !ok {
		return Loaded[S]{}, errNoHistory()
	}
	state, version, err := h.ReadAt(c, &e.def, id, store.Version(at.Version), at.Time)
	if err != nil {
		return Loaded[S]{}, fromEngine(err)
	}
	return Loaded[S]{State: *state.(*S), Version: int64(version)}, nil
}

// Previewed is what a command would lead to, if it were run now.
type Previewed[Out any] struct {
	Reply   Out
	Events  []any // of the event types of the entity, as in Deposited{Amount: 5}
	Version int64 // of the entity, after them
}

// Preview runs a command on an entity without keeping anything of it. Its error
// is the one that Run would return.
func Preview[In, Out any](ctx Asker, c *Command[In, Out], id string, in In) (p Previewed[Out], err error) {
	inner, host := ctx.asker()
	h, ok := host.(registry.Historian)
	if !ok {
		return p, errNoHistory()
	}
	got, err := h.Preview(inner, &c.def, id, in)
	if err != nil {
		return p, fromEngine(err)
	}
	p.Reply, p.Version = got.Reply.(Out), int64(got.Version)
	for i := range got.Events {
		event, err := c.def.Entity.ByName[got.Events[i].Type].Decode(got.Events[i].Data)
		if err != nil {
			return p, fromEngine(err)
		}
		p.Events = append(p.Events, event)
	}
	return p, nil
}

func errNoHistory() *Error {
	return newError(CodeInternal, "this context knows no history: use one of a runtime", nil)
}
