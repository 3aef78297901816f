package talix

import (
	"context"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store"
)

// Action is a stateless function with a trigger.
type Action struct {
	def registry.Action
}

// ActionContext is what an action may do: run commands, ask queries, get
// services, call the outside world. It is a context.Context, which ends when
// the caller goes away or the runtime stops, and may be used from many
// goroutines.
type ActionContext struct {
	context.Context
	host registry.Host
}

// NewActionContext is for runtimes; users get theirs from Runtime.Context.
func NewActionContext(ctx context.Context, host registry.Host) ActionContext {
	return ActionContext{ctx, host}
}

// With is the same context with another deadline, cancellation or values, as
// made by the functions of package context from this one.
func (c ActionContext) With(ctx context.Context) ActionContext {
	return ActionContext{ctx, c.host}
}

// Now is the runtime's time.
func (c ActionContext) Now() time.Time { return c.host.Now() }

// CorrelationID is shared by everything that one outside cause led to.
func (c ActionContext) CorrelationID() store.ID { return c.host.Origin().Correlation }

// DeliveryID is the same whenever the same trigger is delivered again. Give it
// to outside systems as their idempotency key.
func (c ActionContext) DeliveryID() store.ID { return c.host.Origin().Delivery }

func (c ActionContext) newID() string { return c.host.NewID() }

func (c ActionContext) reader() (context.Context, registry.Reader) { return c.Context, c.host }

func (c ActionContext) asker() (context.Context, registry.QueryHost) { return c.Context, c.host }

// Get is the service (dependency) that the runtime provides under the type T.
// The service bundle has to name it with Needs, so that a missing one is a
// fault at start; where it was not named, Get panics, which fails the action.
func Get[T any](ctx ActionContext) T {
	v, err := ctx.host.Get(reflect.TypeFor[T]())
	if err != nil {
		panic(err)
	}
	return v.(T)
}

// Register hands the definition to a runtime; it is not for users.
func (a *Action) Register(r *registry.Registry) { r.AddAction(&a.def) }

// ActionOption says more of an action.
type ActionOption func(*registry.Action)

// OnHTTP is an action triggered by a request, as in "POST /documents/{id}".
//
// Fields of In tagged path:"id", query:"q" or header:"X-Name" take those
// values; the other fields are the JSON body, by their json tags. A field of
// type io.Reader tagged body:"raw" takes the body as a stream, one of type
// *multipart.Reader tagged body:"multipart" its parts. What other tags demand
// (required, minLength, pattern, format, minimum, enum, …) is checked before the
// handler runs.
//
// Out is answered as JSON with status 200. A field tagged status:"" (an int)
// sets the status, fields tagged header:"X-Name" set headers, and a field of
// type io.Reader tagged body:"raw" is answered as it is, and closed if it can
// be.
func OnHTTP[In, Out any](pattern string, handler func(ActionContext, In) (Out, error), opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:  pattern,
		Place: registry.Caller(1),
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			out, err := handler(ActionContext{ctx, h}, *in.(*In))
			return out, toEngine(err)
		},
	}}
	a.def.HTTP, a.def.Faults = httpOf[In, Out](pattern)
	return a.with(opts)
}

func httpOf[In, Out any](pattern string) (*registry.HTTP, []error) {
	h := &registry.HTTP{
		In:    reflect.TypeFor[In](),
		Out:   reflect.TypeFor[Out](),
		NewIn: func() any { return new(In) },
	}
	var ok bool
	h.Method, h.Path, ok = strings.Cut(pattern, " ")
	if !ok || !strings.HasPrefix(h.Path, "/") || h.Method != strings.ToUpper(h.Method) {
		return h, []error{fmt.Errorf("pattern %q: write a method and a path, as in \"POST /documents/{id}\"", pattern)}
	}
	return h, nil
}

// OnEvent is an action that runs at least once for each event of type E, in
// order for one entity, in parallel for several. Commands that it runs have
// their effect once. name identifies the action's progress in the store and
// must not change. An error, or a panic, means that the event is delivered
// again after a pause, which grows.
//
// Events of the past come as what they are by now. Where one stored event became
// several of type E (see Became), the action runs for each, one after another,
// with ids that tell them apart; if one fails, all are delivered again.
func OnEvent[E EventFor[S], S any](name string, handler func(ActionContext, Recorded[E]) error, opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:  name,
		Place: registry.Caller(1),
		Event: &registry.EventTrigger{Go: reflect.TypeFor[E]()},
		Handle: func(ctx context.Context, h registry.Host, in any, e *store.Event) (any, error) {
			return nil, toEngine(handler(ActionContext{ctx, h}, Recorded[E]{metaOf(e), in.(E)}))
		},
	}}
	return a.with(opts)
}

// On is an action that runs at least once for each message of an outside
// system. Commands that it runs have their effect once.
func On[T any](name string, trigger source.Trigger[T], handler func(ActionContext, T) error, opts ...ActionOption) *Action {
	a := &Action{registry.Action{
		Name:   name,
		Place:  registry.Caller(1),
		Source: sourceOf(trigger),
		Handle: func(ctx context.Context, h registry.Host, in any, _ *store.Event) (any, error) {
			return nil, toEngine(handler(ActionContext{ctx, h}, in.(T)))
		},
	}}
	if trigger.Source == nil {
		a.def.Faults = append(a.def.Faults, fmt.Errorf("action %q: its trigger has no Source", name))
	}
	return a.with(opts)
}

func (a *Action) with(opts []ActionOption) *Action {
	configure(&a.def, opts)
	return a
}

func configure(def *registry.Action, opts []ActionOption) {
	if def.HTTP == nil && !registry.ValidName(def.Name) {
		def.Faults = append(def.Faults, fmt.Errorf("action %q: %s", def.Name, registry.NameRule))
	}
	for _, o := range opts {
		o(def)
	}
}
