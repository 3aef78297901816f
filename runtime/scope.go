package runtime

import (
	"context"
	"encoding/json"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// cause is why an action runs.
type cause struct {
	// base makes the ids of commands and entities repeatable; zero: they are
	// new each time.
	base store.ID
	// delivered: base is that of a delivery, which may come again and then
	// decide otherwise; what it did first stands. Without it, base is a
	// caller's key, and the same key for something else is refused.
	delivered   bool
	replay      bool // a pour delivers
	correlation store.ID
	causation   store.ID
	caller      string // the action's name
	service     string // the action's
	header      func(string) string
	wrote       positions // what the caller had written before
	of          string    // whom personal data is about where it does not tell
	attempt     int       // of work that is tried again; else zero
	carried     func(string) string
}

// scope is one run of an action: the registry.Host of its context.
type scope struct {
	r      *Runtime
	cause  cause
	line   *flow.Line // of a run that is kept; else nil
	parent *scope     // of a branch
	ids    atomic.Uint64
	forks  atomic.Uint64

	mu    sync.Mutex
	wrote positions
	runs  map[string]uint64 // how often each command was run on each entity
}

var (
	_ registry.Host = (*scope)(nil)
	_ registry.Kept = (*scope)(nil)
)

func (r *Runtime) newScope(c cause) *scope {
	if c.correlation.IsZero() {
		c.correlation = r.ids.New()
	}
	return &scope{r: r, cause: c, wrote: c.wrote}
}

func (s *scope) Origin() registry.Origin {
	o := registry.Origin{Correlation: s.cause.correlation, Delivery: s.cause.base, Replay: s.cause.replay}
	if o.Delivery.IsZero() {
		o.Delivery = o.Correlation
	}
	if s.line != nil {
		o.RunID = s.line.RunID()
	}
	return o
}

func (s *scope) Kept() registry.Kept { return s }

func (s *scope) Now() time.Time { return s.r.cfg.Now() }

func (s *scope) Get(t reflect.Type) (any, error) { return s.r.needed.get(t) }

// idSpace keeps the ids of entities apart from those of commands.
const idSpace = 1 << 63

func (s *scope) NewID() string {
	if s.cause.base.IsZero() {
		return s.r.ids.New().String()
	}
	return id.Derive(s.cause.base, idSpace|s.ids.Add(1)).String()
}

func (s *scope) Run(ctx context.Context, c *registry.Command, entityID string, in any) (registry.Reply, error) {
	call, err := s.call(c, entityID, in)
	if err != nil {
		return registry.Reply{}, err
	}
	if s.line == nil {
		return s.run(ctx, call)
	}
	var reply registry.Reply
	keep := func(reply []byte) ([]byte, error) { return s.r.box().Keep(ctx, c.Out, reply, entityID) }
	earlier := func(ctx context.Context) ([]byte, bool, error) {
		reply, found, err := s.r.engine.Recall(ctx, call)
		if !found || err != nil {
			return nil, found, err
		}
		data, err := keep(reply.Data)
		return data, true, err
	}
	data, err := s.line.Command(ctx, c.FullName()+" "+entityID, earlier, func(ctx context.Context) (_ []byte, err error) {
		if reply, err = s.run(ctx, call); err != nil {
			return nil, err
		}
		return keep(reply.Data)
	})
	if err == nil {
		data, err = s.r.box().Kept(ctx, data)
	}
	if err != nil {
		return registry.Reply{}, err
	}
	if reply.Data == nil { // it was run before
		stream := store.Stream{Type: c.Entity.Type, ID: entityID}
		p := store.PartitionOf(stream, s.r.tail.Partitions())
		s.noteAt(p, s.r.headOf(p))
		reply.Data = data
	}
	return reply, nil
}

func (s *scope) run(ctx context.Context, call *entity.Call) (registry.Reply, error) {
	c := call.Command
	started := s.r.cfg.Now()
	ctx, op := s.beginCommand(ctx, call)
	var reply entity.Reply
	err := s.guard(ctx, &op, call)
	if err == nil {
		reply, err = s.r.runCommand(ctx, call)
	}
	s.report(ctx, &op, started, reply, err)
	if err != nil {
		return registry.Reply{}, s.r.fail(err, "command", c.FullName(), s.cause.correlation)
	}
	s.note(reply)
	return registry.Reply{Data: reply.Data, Value: reply.Value}, nil
}

func (s *scope) call(c *registry.Command, entityID string, in any) (*entity.Call, error) {
	call, err := s.prepare(c, entityID, in)
	if err != nil {
		return nil, err
	}
	if s.cause.base.IsZero() {
		call.Key = s.r.ids.New()
		return call, nil
	}
	return call, s.repeatable(call)
}

// prepare checks a call, which has no command id yet.
func (s *scope) prepare(c *registry.Command, entityID string, in any) (*entity.Call, error) {
	host, ok := s.r.hosted[c]
	if !ok {
		return nil, registry.Faultf(registry.Internal, "command %s is in no service of this runtime: add it to Components", c.FullName())
	}
	if entityID == "" || len(entityID) > maxEntityID {
		return nil, registry.Faultf(registry.Invalid, "the id of %s has 1 to %d bytes", c.Entity.Type, maxEntityID)
	}
	if host.check != nil {
		if err := host.check(in); err != nil {
			return nil, err
		}
	}
	return &entity.Call{Command: c, ID: entityID, In: in, Correlation: s.cause.correlation, Causation: s.cause.causation}, nil
}

// repeatable gives a call the id that it has whenever this scope's cause comes
// again: the nth run of this command on this entity.
func (s *scope) repeatable(call *entity.Call) error {
	name := call.Command.FullName()
	call.Key = id.Derive(id.DeriveName(s.cause.base, name+"\x00"+call.ID), s.count(name, call.ID))
	call.Repeatable = true
	var data []byte
	if !s.cause.delivered {
		var err error
		if data, err = json.Marshal(call.In); err != nil {
			return registry.Faultf(registry.Internal, "the input of %s cannot be written as JSON", name).Because(err)
		}
	}
	if pepper := s.r.box().Pepper(call.Command.In); pepper != nil && data != nil {
		data = append(pepper, data...)
	}
	call.Digest = entity.DigestOf(name, call.ID, data)
	return nil
}

func (s *scope) count(command, entityID string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.runs == nil {
		s.runs = map[string]uint64{}
	}
	key := command + "\x00" + entityID
	s.runs[key]++
	return s.runs[key]
}

const maxEntityID = 512

// note remembers where the action wrote, so that its queries wait for it. A
// repeated reply stands somewhere in the log as it is now.
func (s *scope) note(reply entity.Reply) {
	p := reply.Position
	if reply.Repeated {
		p = max(p, s.r.headOf(reply.Partition))
	}
	s.noteAt(reply.Partition, p)
}

func (s *scope) written() positions {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wrote
}

func (s *scope) Read(ctx context.Context, e *registry.Entity, entityID string) (any, store.Version, error) {
	state, version, err := s.r.engine.Read(ctx, e, entityID)
	if err != nil {
		return nil, 0, s.r.fail(err, "load", e.Type, s.cause.correlation)
	}
	return state, version, nil
}

func (s *scope) operation(kind talix.Kind, service, name string) talix.Operation {
	return talix.Operation{
		Kind: kind, Service: service, Name: name, Caller: s.cause.caller,
		CorrelationID: s.cause.correlation, CausationID: s.cause.causation, Header: s.cause.header,
	}
}

func (s *scope) report(ctx context.Context, op *talix.Operation, started time.Time, reply entity.Reply, err error) {
	if len(s.r.plugins.reporters) > 0 {
		s.r.tell(ctx, *op, started, reply.Events, err)
	}
}

// commandOperation is what plugins are told of a command; zero: there are none.
// It is no pointer, as one that is handed to plugins by their interfaces costs
// an allocation.
func (s *scope) commandOperation(call *entity.Call) (op talix.Operation) {
	if len(s.r.registry.Plugins) == 0 {
		return op
	}
	host := s.r.hosted[call.Command]
	op = s.operation(talix.KindCommand, host.service, host.name)
	op.EntityID, op.CommandID, op.Input = call.ID, call.Key, call.In
	return op
}
