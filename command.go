package talix

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/internal/registry"
)

// Command is a command of an entity: In is its input, Out its reply.
type Command[In, Out any] struct {
	def registry.Command
}

// NewCommand defines a command of an entity. The handler validates the input
// against the entity's state and emits events, or rejects with an error (see
// Reject). It must be pure: no I/O, no clock, no randomness but those of its
// context, nothing kept outside; it may run again for the same command. In and
// Out are stored and sent as JSON, and what In's struct tags demand is checked
// before the handler runs.
func NewCommand[S, In, Out any](e *Entity[S], name string, handler func(CommandContext[S], In) (Out, error)) *Command[In, Out] {
	c := &Command[In, Out]{def: registry.Command{
		Entity: &e.def,
		Name:   name,
		Place:  registry.Caller(1),
		In:     reflect.TypeFor[In](),
		Out:    reflect.TypeFor[Out](),
		Flat:   registry.IsFlat(reflect.TypeFor[Out]()),
		Decode: func(data []byte) (any, error) {
			var in In
			err := json.Unmarshal(data, &in)
			return in, err
		},
		Handle: func(t registry.Turn, in any) (any, error) {
			out, err := handler(CommandContext[S]{t}, in.(In))
			return out, toEngine(err)
		},
	}}
	if !registry.ValidName(name) {
		c.def.Faults = append(c.def.Faults, fmt.Errorf("command %q: %s", name, registry.NameRule))
	}
	return c
}

// Register hands the definition to a runtime; it is not for users.
func (c *Command[In, Out]) Register(r *registry.Registry) { r.AddCommand(&c.def) }

// CommandContext is what a command's handler may do. It is valid until the
// handler returns, in the handler's own goroutine.
type CommandContext[S any] struct {
	turn registry.Turn
}

// ID is the entity's id.
func (c CommandContext[S]) ID() string { return c.turn.ID() }

// State is what the entity's events add up to, those emitted by this handler
// included. It is not to be changed but by emitting events.
func (c CommandContext[S]) State() S { return *c.turn.State().(*S) }

// Version is the number of the entity's events, those emitted by this handler
// included.
func (c CommandContext[S]) Version() int64 { return int64(c.turn.Version()) }

// Exists tells whether the entity has any event.
func (c CommandContext[S]) Exists() bool { return c.turn.Version() > 0 }

// Time is the time of this command and of the events that it emits: UTC, in
// microseconds.
func (c CommandContext[S]) Time() time.Time { return c.turn.Time() }

// Emit adds an event and applies it to the state. If the handler returns an
// error, nothing that it emitted is stored.
func (c CommandContext[S]) Emit(event EventFor[S]) { c.turn.Emit(event) }

// Delete adds the entity's last event, as Emit does, and ends the entity. In the
// same append its timers are removed and the unique values that it holds are
// released, whatever the handler did to them. From then on every command on its
// id is refused with an ErrGone before its handler runs: an id is never used
// again, since what others know by it would be about two entities. Its events
// stay, and so does its state for those who Load it. Rows that tables and folds
// keep by its id go away: see Table.KeepDeleted.
//
// To emit more after it fails the command.
func (c CommandContext[S]) Delete(event EventFor[S]) { c.turn.End(event) }

func (c CommandContext[S]) newID() string { return c.turn.NewID() }

func (c CommandContext[S]) reader() (context.Context, registry.Reader) {
	return context.Background(), c.turn
}

// Run runs a command on the entity with the given id, and returns its reply
// once the events are durable. The entity need not exist; whether it may not is
// for the command to say.
//
// Inside an action on events or messages, the command's id derives from the
// delivery, the command, the entity, and how often the action ran that command
// on that entity before; so a repeated delivery has its effect once, and gets
// the first reply. Errors are of type *Error.
func Run[In, Out any](ctx ActionContext, c *Command[In, Out], id string, in In) (Out, error) {
	reply, err := ctx.host.Run(ctx.Context, &c.def, id, in)
	if err != nil {
		return *new(Out), fromEngine(err)
	}
	return c.read(reply)
}

// read is a reply as the caller gets it.
func (c *Command[In, Out]) read(reply registry.Reply) (out Out, err error) {
	if value, ok := reply.Value.(Out); ok && c.def.Flat {
		return value, nil
	}
	if err := json.Unmarshal(reply.Data, &out); err != nil {
		return out, fromEngine(registry.Faultf(registry.Internal, "the reply of %s cannot be read", c.def.FullName()).Because(err))
	}
	return out, nil
}
