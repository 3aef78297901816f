package entity

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

// turn is one run of a command's handler; it is the registry.Turn that the
// handler gets.
type turn struct {
	engine  *Engine
	live    *live
	call    *Call
	now     time.Time
	base    store.Version // the entity's before it; of a group alone
	state   any           // the live one, or its copy once an event was emitted
	copied  bool
	failed  bool // the handler panicked
	emitted bool // events, and was then rejected
	ended   bool // the last event deletes the entity
	events  []store.Event
	timers  []store.Change // set or removed with the events
	claims  []*Claim       // unique values, reserved or released with the events
	beside  []Claim        // of the same group's commands before this one

	out     any
	reply   []byte            // out as JSON
	kept    []byte            // the same as it is stored
	err     error             // the rejection
	gate    *commit.Pending   // what the decision rests on, if it has no append of its own or is of a group
	pending *commit.Pending   // the turn's own append
	picture *snapshot.Picture // of the state that it led to, if one is due
}

var (
	_ registry.Turn    = (*turn)(nil)
	_ registry.Holders = (*turn)(nil)
)

// decide takes the entity's turn, runs the handler and submits what it
// emitted. An error means that nothing was decided.
func (g *Engine) decide(ctx context.Context, l *live, call *Call) (*turn, error) {
	if err := l.enter(ctx, g.cfg.MaxQueue, g.cfg.MaxWait, g.cfg.Now); err != nil {
		return nil, err
	}
	defer l.leave()
	t, err := g.try(ctx, l, call, g.now())
	if err != nil {
		return nil, err
	}
	if t.err != nil {
		t.reject()
		return t, nil
	}
	t.submit()
	return t, nil
}

// now is the time of commands that are decided now.
func (g *Engine) now() time.Time { return g.cfg.Now().UTC().Truncate(time.Microsecond) }

// try runs the handler on the state of an entity whose turn the caller has.
// Nothing of what it came to is the entity's yet. An error means that nothing
// was decided.
func (g *Engine) try(ctx context.Context, l *live, call *Call, now time.Time, beside ...Claim) (*turn, error) {
	if err := g.prepare(ctx, l); err != nil {
		return nil, err
	}
	t := &turn{engine: g, live: l, call: call, now: now, state: l.state, beside: beside}
	t.run()
	if l.guessed() && len(t.events) == 0 {
		if err := g.load(ctx, l); err != nil {
			l.drop() // what was tried on it may have changed it in place
			return nil, err
		}
		t = &turn{engine: g, live: l, call: call, now: now, state: l.state, beside: beside}
		t.run()
	}
	return t, nil
}

// run runs the handler and encodes its reply, or notes why it was rejected.
func (t *turn) run() {
	out, err := t.handle()
	if err == nil && t.ended {
		err = t.finish()
	}
	if err == nil {
		t.out = out
		t.reply, err = json.Marshal(out)
	}
	if err == nil {
		err = t.keep()
	}
	if err != nil {
		t.emitted, t.ended, t.events, t.timers, t.claims = len(t.events) > 0, false, nil, nil, nil
	}
	t.err = err
}

// handle runs the user's handler and turns a panic into an error. That of an
// entity that was deleted is not run.
func (t *turn) handle() (out any, err error) {
	if t.live.ended {
		return nil, registry.GoneFault(t.live.stream)
	}
	defer func() {
		if p := recover(); p != nil {
			t.failed = true
			if err = refusal(p); err != nil {
				return
			}
			err = registry.Faultf(registry.Internal, "command %s failed", t.call.Command.FullName()).
				Because(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	return t.call.Command.Handle(t, t.call.In)
}

// reject ends a turn that failed.
func (t *turn) reject() {
	t.undo()
	t.gate = t.live.unsettled()
}

// undo forgets what a turn came to. A state that may have been changed in place
// is dropped.
func (t *turn) undo() {
	if !t.live.def.Flat && (t.failed || t.emitted || len(t.events) > 0) {
		t.live.drop()
	}
}

// submit hands the turn's events to the group commit, and makes the state that
// they lead to the entity's.
func (t *turn) submit() {
	l := t.live
	if !t.stores() {
		t.gate = l.unsettled()
		return
	}
	if len(t.claims) > 0 {
		t.pending = t.engine.submitAll([]*turn{t}, t.kept)
	} else {
		t.pending = t.engine.cfg.Group(l.partition).Submit(t.batch(), l.chain)
	}
	t.advance()
}

// stores tells whether the turn came to anything that is to be stored.
func (t *turn) stores() bool {
	return len(t.events) > 0 || len(t.timers) > 0 || len(t.claims) > 0 || t.call.Repeatable
}

// advance makes what the turn came to the entity's.
func (t *turn) advance() {
	l := t.live
	for i := range t.events {
		l.grown += len(t.events[i].Data)
	}
	t.pin()
	l.advance(t.state, t.Version(), t.ended, t.pending)
	if l.grown > resizeAfter+l.size/4 {
		t.engine.resize(l)
	}
}

func (t *turn) batch() store.Batch {
	l := t.live
	b := store.Batch{
		Appends: []store.Append{{Stream: l.stream, Expect: l.version, Events: t.events}},
		Key:     t.call.Key,
		Fresh:   !t.call.Repeatable,
		Time:    t.now,
		Records: t.timers,
	}
	switch {
	case t.call.Repeatable:
		b.Result = encodeResult(t.call, t.kept)
	case len(t.events) == 0: // timers alone may be set twice
		b.Key, b.Fresh = store.ID{}, false
	}
	return b
}

// resizeAfter is how many bytes of events may change an entity, beside a part
// of its size, before the size of its state is looked at again.
const resizeAfter = 4 << 10

func (t *turn) ID() string { return t.call.ID }

func (t *turn) Version() store.Version { return t.live.version + store.Version(len(t.events)) }

func (t *turn) Time() time.Time { return t.now }

func (t *turn) State() any { return t.state }

func (t *turn) NewID() string { return t.engine.cfg.NewID().String() }

// Emit panics on an event that cannot be stored; the command then fails.
func (t *turn) Emit(event any) {
	def := t.live.def.ByGo[reflect.TypeOf(event)]
	if def == nil {
		panic(fmt.Sprintf("%T is no event type of entity %q: add talix.Event[%T](…) to its NewEntity", event, t.live.def.Type, event))
	}
	if t.ended {
		panic(fmt.Sprintf("emit %s: the entity was deleted before it: emit all other events first", def.Type))
	}
	data, err := def.Encode(event)
	if err != nil {
		panic(fmt.Sprintf("encode event %s: %v", def.Type, err))
	}
	if t.live.def.Flat && !t.copied {
		t.state, t.copied = t.live.def.Copy(t.state), true
	}
	t.events = append(t.events, store.Event{
		ID:          t.engine.cfg.NewID(),
		Stream:      t.live.stream,
		Version:     t.Version() + 1,
		Type:        def.Type,
		Schema:      def.Schema,
		Time:        t.now,
		Command:     t.call.Key,
		Correlation: t.call.Correlation,
		Causation:   t.call.Causation,
		Metadata:    t.call.Metadata,
		Data:        data,
	})
	def.Apply(t.state, event, &t.events[len(t.events)-1])
}

// Read reads another entity without waiting for its turn, so that handlers
// that read each other cannot wait for each other.
func (t *turn) Read(ctx context.Context, e *registry.Entity, id string) (any, store.Version, error) {
	if e == t.live.def && id == t.live.stream.ID {
		return e.Copy(t.state), t.Version(), nil
	}
	return t.engine.read(ctx, e, id, true)
}
