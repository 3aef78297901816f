package talix

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Message is what came from a queue.
type Message[T any] struct {
	ID   string // the same whenever it is delivered again
	Key  string // messages of one key come in order
	Time time.Time
	// Attributes are the message's headers; of a CloudEvent its attributes, as
	// in ce-type.
	Attributes map[string]string
	Data       T
}

// OnMessage is an action that runs for each message of a topic: at least once,
// in order for one key, in parallel for several, and with the effects of its
// commands once. The broker gets its acknowledgement when the work is durable.
// What fails for good is parked, with the later messages of its key behind it
// (see DeadLetter for another way); others go on.
//
// name is that of the receivers' group at the broker and must not change. Data
// is read as JSON, or taken as it is where T is []byte; CloudEvents are
// recognised. The broker is the runtime's default one unless FromBroker says
// otherwise.
func OnMessage[T any](name, topic string, handler func(ActionContext, Message[T]) error, opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:  name,
		Place: registry.Caller(1),
		Queue: &registry.QueueTrigger{Topic: topic, In: reflect.TypeFor[T](), Decode: func(m broker.Message) (any, error) { return messageOf[T](m) }},
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			return nil, toEngine(handler(ActionContext{ctx, h}, in.(Message[T])))
		},
	}}
	if topic == "" {
		a.def.Faults = append(a.def.Faults, fmt.Errorf("action %q: its topic is empty", name))
	}
	return a.with(opts)
}

func messageOf[T any](m broker.Message) (Message[T], error) {
	if why := m.Attributes[registry.BadMessage]; why != "" {
		return Message[T]{}, errors.New(why)
	}
	out := Message[T]{ID: m.ID, Key: m.Key, Time: m.Time, Attributes: m.Attributes}
	if raw, ok := any(&out.Data).(*[]byte); ok {
		*raw = m.Data
		return out, nil
	}
	if err := json.Unmarshal(m.Data, &out.Data); err != nil {
		return out, fmt.Errorf("read message as %T: %w", out.Data, err)
	}
	return out, nil
}

// FromBroker names the broker of an OnMessage, as it is called in the runtime's
// configuration.
func FromBroker(name string) ActionOption {
	return func(a *registry.Action) {
		if a.Queue == nil {
			a.Faults = append(a.Faults, errors.New("FromBroker is for OnMessage: remove it"))
			return
		}
		a.Queue.Broker = name
	}
}

// DeadLetter moves a message that failed for good to the broker's dead-letter
// queue, instead of parking it; the later ones of its key then go on.
func DeadLetter() ActionOption {
	return func(a *registry.Action) {
		if a.Queue == nil {
			a.Faults = append(a.Faults, errors.New("DeadLetter is for OnMessage: remove it"))
			return
		}
		a.Queue.Dead = true
	}
}

// InFlight bounds the messages of an OnMessage that were received and are not
// done. Defaults to 256.
func InFlight(n int) ActionOption {
	return func(a *registry.Action) {
		if a.Queue == nil || n < 1 {
			a.Faults = append(a.Faults, errors.New("InFlight is for OnMessage and must be above zero"))
			return
		}
		a.Queue.InFlight = n
	}
}

// Content is what a published message says of an event. The kinds are those of
// castore.
type Content uint8

// The kinds of message.
const (
	// EntityExists tells of the first event of each entity that the entity
	// exists, and no more: {"entityType", "entityId"}.
	EntityExists Content = iota
	// EventOnly is the event: {"entityType", "entityId", "version", "type",
	// "time", "data"}.
	EventOnly
	// EventAndState is the event, and the state that it led to beside it:
	// "state".
	EventAndState
)

// Publish publishes the events of an entity to a topic, from the log: what was
// committed is published, at least once, in order for one entity. Messages are
// CloudEvents 1.0 in binary mode; their id is the event's, by which receivers
// recognise a repeated one, and their key is the entity's id. Events of the past
// are published as what they are by now.
//
// name identifies the progress in the store and must not change. The broker is
// the runtime's default one unless ToBroker says otherwise. While the broker
// is away, publishing waits.
func Publish[S any](name string, e *Entity[S], topic string, content Content, opts ...ActionOption) *Action {
	t := &registry.Topic{Name: topic, NeedsState: content == EventAndState, Once: content == EntityExists}
	t.Map = func(event any, ev *store.Event, state any) (any, bool, error) {
		if content == EntityExists {
			return existence{ev.Stream.Type, ev.Stream.ID}, ev.Version == 1, nil
		}
		data, err := publishedOf(event, ev, state)
		return data, true, err
	}
	return publish(name, &registry.EventTrigger{Entity: &e.def}, t, opts)
}

// PublishEvent publishes one type of event, as what mapping makes of it,
// written as JSON; false: nothing is published of that event. See Publish for
// the rest.
func PublishEvent[E EventFor[S], S, T any](name, topic string, mapping func(Recorded[E]) (T, bool), opts ...ActionOption) *Action {
	t := &registry.Topic{Name: topic}
	t.Map = func(event any, ev *store.Event, _ any) (any, bool, error) {
		v, ok := mapping(Recorded[E]{metaOf(ev), event.(E)})
		return v, ok, nil
	}
	return publish(name, &registry.EventTrigger{Go: reflect.TypeFor[E]()}, t, opts)
}

func publish(name string, trigger *registry.EventTrigger, t *registry.Topic, opts []ActionOption) *Action {
	a := &Action{registry.Action{Name: name, Place: registry.Caller(2), Event: trigger, Topic: t}}
	a.def.Handle = func(context.Context, registry.Host, any, *store.Event) (any, error) { return nil, nil }
	if t.Name == "" {
		a.def.Faults = append(a.def.Faults, fmt.Errorf("publishing %q: its topic is empty", name))
	}
	return a.with(opts)
}

type existence struct {
	EntityType string `json:"entityType"`
	EntityID   string `json:"entityId"`
}

type published struct {
	existence
	Version int64           `json:"version"`
	Type    string          `json:"type"`
	Time    time.Time       `json:"time"`
	Data    json.RawMessage `json:"data"`
	State   any             `json:"state,omitempty"`
}

// publishedOf has the data as it is stored, or, if it is stored in the shape of
// an earlier version, as it would be by now.
func publishedOf(event any, e *store.Event, state any) (published, error) {
	data := e.Data
	if data == nil {
		var err error
		if data, err = json.Marshal(event); err != nil {
			return published{}, err
		}
	}
	return published{existence{e.Stream.Type, e.Stream.ID}, int64(e.Version), e.Type, e.Time, data, state}, nil
}

// ToBroker names the broker of a Publish, as it is called in the runtime's
// configuration.
func ToBroker(name string) ActionOption {
	return func(a *registry.Action) {
		if a.Topic == nil {
			a.Faults = append(a.Faults, errors.New("ToBroker is for Publish: remove it"))
			return
		}
		a.Topic.Broker = name
	}
}

// Structured publishes CloudEvents in structured mode, the attributes and the
// data together in one JSON object, instead of binary mode.
func Structured() ActionOption {
	return func(a *registry.Action) {
		if a.Topic == nil {
			a.Faults = append(a.Faults, errors.New("Structured is for Publish: remove it"))
			return
		}
		a.Topic.Structured = true
	}
}
