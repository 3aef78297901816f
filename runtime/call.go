package runtime

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
)

// Calls runs what a runtime hosts by name, with JSON, for consoles and other
// tools. Code that knows the definitions uses Context. Errors are of type
// *talix.Error.
type Calls struct {
	r *Runtime
}

// Calls runs what the runtime hosts by name.
func (r *Runtime) Calls() Calls { return Calls{r} }

// Command runs a command on an entity. Its name is as in account.deposit. Under
// a key that is not empty it has its effect once, however often it is called.
func (c Calls) Command(ctx context.Context, name, entityID string, input json.RawMessage, key string) (json.RawMessage, error) {
	for _, d := range c.r.registry.Commands {
		if d.FullName() != name {
			continue
		}
		in, err := decodeInput(d.Decode, input)
		if err != nil {
			return nil, err
		}
		reply, err := c.scope(key).Run(ctx, d, entityID, in)
		return reply.Data, userError(err)
	}
	return nil, talix.NotFound("no service of this runtime has the command %q", name)
}

// Query asks a query.
func (c Calls) Query(ctx context.Context, name string, input json.RawMessage) (json.RawMessage, error) {
	for _, q := range c.r.registry.Queries {
		if q.Name != name {
			continue
		}
		in, err := decodeInput(decoderOf(q.In), input)
		if err != nil {
			return nil, err
		}
		out, err := c.scope("").Ask(ctx, q, in)
		if err != nil {
			return nil, userError(err)
		}
		return json.Marshal(out)
	}
	return nil, talix.NotFound("no service of this runtime has the query %q", name)
}

// Start starts a workflow under an id.
func (c Calls) Start(ctx context.Context, name, entityID string, input json.RawMessage) error {
	for _, a := range c.r.registry.Actions {
		if a.Workflow == nil || a.Name != name {
			continue
		}
		in, err := decodeInput(a.Workflow.Decode, input)
		if err != nil {
			return err
		}
		return userError(c.scope("").Start(ctx, a, entityID, in, compact(input)))
	}
	return talix.NotFound("no service of this runtime has the workflow %q", name)
}

// Signal tells a run what it may wait for. data is JSON.
func (c Calls) Signal(ctx context.Context, runID, signal string, data json.RawMessage) error {
	if signal == "" {
		return talix.Invalid("signal", "names the signal")
	}
	if !json.Valid(compact(data)) {
		return talix.Invalid("data", "is no JSON")
	}
	return userError(c.scope("").Signal(ctx, runID, signal, nil, compact(data)))
}

// Cancel asks a run to end, and what it did to be undone.
func (c Calls) Cancel(ctx context.Context, runID string) error {
	return userError(c.scope("").Control(ctx, runID, registry.RunCancel))
}

func (c Calls) scope(key string) *scope {
	if key == "" {
		return c.r.newScope(cause{})
	}
	return c.r.newScope(cause{base: id.Hash("key", key)})
}

func decodeInput(decode func([]byte) (any, error), input json.RawMessage) (any, error) {
	in, err := decode(compact(input))
	if err != nil {
		return nil, talix.Invalid("input", "%v", err)
	}
	return in, nil
}

// compact is the input, or an empty object where there is none.
func compact(input json.RawMessage) json.RawMessage {
	if trimmed := bytes.TrimSpace(input); len(trimmed) > 0 {
		return trimmed
	}
	return json.RawMessage("{}")
}

func decoderOf(t reflect.Type) func([]byte) (any, error) {
	return func(data []byte) (any, error) {
		v := reflect.New(t)
		err := json.Unmarshal(data, v.Interface())
		return v.Elem().Interface(), err
	}
}

func userError(err error) error {
	if err == nil {
		return nil
	}
	return talix.UserError(err)
}
