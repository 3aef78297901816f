package runtime

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/cloudevent"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// publishAll publishes those of the facts that a stored event is by now which the
// topic takes.
func (r *Runtime) publishAll(ctx context.Context, a *registry.Action, facts registry.Facts, e *store.Event) error {
	if a.Topic.Once {
		if facts.Len() > 0 {
			e = facts.At(0).As
		}
		return r.publish(ctx, a, nil, e)
	}
	for i := range facts.Len() {
		f := facts.At(i)
		if a.Event.Go != nil && f.Event.Go != a.Event.Go {
			continue
		}
		if err := r.publish(ctx, a, f.Data, f.As); err != nil {
			return err
		}
	}
	return nil
}

// publish publishes an event, and returns when the broker keeps it.
func (r *Runtime) publish(ctx context.Context, a *registry.Action, event any, e *store.Event) error {
	ce, ok, err := r.eventOf(ctx, a, event, e)
	if err != nil || !ok {
		return err
	}
	ctx, end := r.beginPublish(ctx, a, e)
	err = r.send(ctx, a, ce)
	end(err)
	return err
}

// send hands an event to the broker.
func (r *Runtime) send(ctx context.Context, a *registry.Action, e cloudevent.Event) error {
	along := r.plugins.extend(ctx, e.Extensions)
	m, err := r.encode(a.Topic, e)
	if err != nil {
		return &registry.Fault{Code: registry.Internal, Message: "the event cannot be a CloudEvent", Cause: err, Final: true}
	}
	maps.Copy(m.Attributes, along)
	err = r.cfg.Brokers[a.Topic.Broker].Publish(ctx, a.Topic.Name, m)
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.Is(err, broker.ErrTooLarge):
		return &registry.Fault{Code: registry.Internal, Message: "the message is too large for the broker", Cause: err, Final: true}
	default:
		return registry.Faultf(registry.Unavailable, "the broker does not take the message").Because(err)
	}
}

// eventOf makes what is published of an event; false: nothing is.
func (r *Runtime) eventOf(ctx context.Context, a *registry.Action, event any, e *store.Event) (cloudevent.Event, bool, error) {
	t := a.Topic
	var state any
	if t.NeedsState {
		var err error
		if state, err = r.past.at(ctx, e); err != nil {
			return cloudevent.Event{}, false, err
		}
	}
	data, ok, err := mapped(t, event, e, state)
	if err != nil || !ok {
		return cloudevent.Event{}, false, err
	}
	body, err := json.Marshal(data)
	if err != nil {
		return cloudevent.Event{}, false, &registry.Fault{Code: registry.Internal, Message: "the message cannot be written as JSON", Cause: err, Final: true}
	}
	return cloudevent.Event{
		ID: e.ID.String(), Source: "/" + r.registry.Owner(a) + "/" + e.Stream.Type, Type: e.Type, Subject: e.Stream.ID,
		Time: e.Time, DataContentType: "application/json", PartitionKey: e.Stream.ID, Data: body,
		Extensions: map[string]string{"sequence": strconv.FormatInt(int64(e.Version), 10), "correlationid": e.Correlation.String()},
	}, true, nil
}

// encode writes a CloudEvent as its topic wants it.
func (r *Runtime) encode(t *registry.Topic, e cloudevent.Event) (broker.Message, error) {
	if t.Structured {
		return cloudevent.Structured(e)
	}
	binding := cloudevent.HTTP
	if b, ok := r.cfg.Brokers[t.Broker].(interface{ CloudEventPrefix() string }); ok {
		binding = cloudevent.Binding(b.CloudEventPrefix())
	}
	return cloudevent.Binary(e, binding)
}

// unwrap makes a message that is a CloudEvent one as actions see it: with the
// event's identity as its ID, its attributes as ce-type and so on, and its data.
// One that is not valid says so in an attribute, which no action takes.
func unwrap(m broker.Message) broker.Message {
	e, err := cloudevent.Decode(m)
	if errors.Is(err, cloudevent.ErrNone) {
		return m
	}
	if err != nil {
		m.Attributes = maps.Clone(m.Attributes)
		if m.Attributes == nil {
			m.Attributes = map[string]string{}
		}
		m.Attributes[registry.BadMessage] = err.Error()
		return m
	}
	out := broker.Message{ID: e.Identity(), Key: cmp.Or(e.PartitionKey, m.Key), Time: e.Time, Data: e.Data, Attributes: map[string]string{}}
	maps.Copy(out.Attributes, m.Attributes)
	known := map[string]string{
		"id": e.ID, "source": e.Source, "type": e.Type, "subject": e.Subject, "dataschema": e.DataSchema, "datacontenttype": e.DataContentType,
	}
	for _, values := range []map[string]string{e.Extensions, known} {
		for name, value := range values {
			if value != "" {
				out.Attributes["ce-"+name] = value
			}
		}
	}
	return out
}

// mapped runs the user's mapping, if there is one.
func mapped(t *registry.Topic, event any, e *store.Event, state any) (data any, ok bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return t.Map(event, e, state)
}

// past finds the states that events led to. Events of an entity are mostly
// asked for one after another, so the last state of some is kept.
type past struct {
	store    store.Store
	registry *registry.Registry

	mu    sync.Mutex
	last  map[store.Stream]pastState
	epoch int // how often all was forgotten
}

type pastState struct {
	state   any
	version store.Version
}

// maxPast bounds the states that are kept.
const maxPast = 4096

// at is the state that an event led to. It must not be changed, and not be
// kept after the entity's next event was asked for.
func (p *past) at(ctx context.Context, e *store.Event) (any, error) {
	def := p.registry.Entity(e.Stream.Type)
	known, epoch := p.take(e.Stream)
	if known.state == nil || known.version > e.Version {
		known = pastState{state: def.New()}
	}
	if err := p.advance(ctx, def, &known, e); err != nil {
		return nil, err
	}
	p.put(e.Stream, known, epoch)
	return known.state, nil
}

// advance folds what leads to an event.
func (p *past) advance(ctx context.Context, def *registry.Entity, known *pastState, e *store.Event) error {
	if known.version == e.Version { // another one that the same stored event became
		return nil
	}
	for ev, err := range p.store.Load(ctx, e.Stream, known.version) {
		if err != nil {
			return registry.Faultf(registry.Unavailable, "the store cannot be read at the moment").Because(err)
		}
		if err := fold(def, known.state, &ev); err != nil {
			return err
		}
		if known.version = ev.Version; known.version == e.Version {
			break
		}
	}
	return nil
}

func (p *past) take(s store.Stream) (pastState, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.last[s]
	delete(p.last, s)
	return known, p.epoch
}

// forget drops all states, those under way too.
func (p *past) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.last)
	p.epoch++
}

func (p *past) put(s store.Stream, known pastState, epoch int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.epoch != epoch {
		return
	}
	if len(p.last) >= maxPast {
		for other := range p.last {
			delete(p.last, other)
			break
		}
	}
	p.last[s] = known
}

// fold applies an event to a state.
func fold(def *registry.Entity, state any, e *store.Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &registry.Fault{Code: registry.Internal, Message: fmt.Sprintf("the reducer of %s panicked: %v", e.Type, p), Final: true}
		}
	}()
	if err := def.Fold(state, e); err != nil {
		return &registry.Fault{Code: registry.Internal, Message: "the event cannot be read", Cause: err, Final: true}
	}
	return nil
}
