// Package talix is the vocabulary of applications built on event sourcing and
// CQRS: entities and their events, commands, actions, views and queries,
// bundled into services.
//
// Definitions are package-level values. They do no I/O, start nothing and
// register nowhere; a runtime (package runtime, or standalone with batteries)
// hosts the services that it is given.
//
//	var Accounts = talix.NewEntity("account",
//		talix.Event[Deposited]("ACCOUNTS:DEPOSITED"),
//	)
//
//	var Deposit = talix.NewCommand(Accounts, "deposit",
//		func(c talix.CommandContext[Account], in Amount) (Balance, error) {
//			c.Emit(Deposited{Amount: in.Amount})
//			return Balance{c.State().Balance}, nil
//		})
//
//	var Service = talix.Service{Name: "bank", Components: talix.Components{Accounts, Deposit}}
//
// The first parameter of a handler grants exactly what that handler may do:
// CommandContext decides, ActionContext acts, QueryContext reads.
package talix

import (
	"context"

	"github.com/talix-dev/talix/internal/registry"
)

// Reader is what can read the state of entities: CommandContext,
// ActionContext and QueryContext.
type Reader interface {
	reader() (context.Context, registry.Reader)
}

// Loaded is an entity's confirmed state.
type Loaded[S any] struct {
	State   S
	Version int64 // the number of its events
}

// Load reads the confirmed state of an entity: what all its durable events add
// up to. The state is the caller's own copy. An entity without events is an
// ErrNotFound.
//
// From a command's handler it reads another entity, without queueing behind
// that one's commands; what it saw may have changed by the time the command's
// events are stored.
func Load[S any](r Reader, e *Entity[S], id string) (Loaded[S], error) {
	ctx, reader := r.reader()
	state, version, err := reader.Read(ctx, &e.def, id)
	if err != nil {
		return Loaded[S]{}, fromEngine(err)
	}
	if version == 0 {
		return Loaded[S]{}, NotFound("%s %q does not exist", e.def.Type, id)
	}
	return Loaded[S]{State: *state.(*S), Version: int64(version)}, nil
}

// NewID makes an id for a new entity: a UUIDv7, whose order is that of time.
// It takes an ActionContext or a CommandContext. Inside an action it is made of
// what triggered the action, so that a repeated delivery makes the same ids in
// the same order.
func NewID(ctx IDSource) string { return ctx.newID() }

// IDSource is what can make ids: ActionContext and CommandContext.
type IDSource interface{ newID() string }
