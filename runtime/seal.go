package runtime

import (
	"context"
	"errors"
	"fmt"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
)

// seal puts the seal around the store, if there are keys: everything else sees
// personal data as it is, and the store never does.
func (r *Runtime) seal(ctx context.Context) error {
	if r.cfg.Keys == nil {
		return nil
	}
	p := &personal{r: r, box: seal.New(r.cfg.Keys, 0), events: map[string]*seal.Plan{}, entities: map[*registry.Entity]bool{}, states: map[*registry.Entity]*seal.Plan{}, wake: make(chan struct{}, 1)}
	p.store = p.box.Around(r.cfg.Store, p.events)
	r.cfg.Store, r.personal = p.store.Full(), p
	return p.begin(ctx)
}

// erasure tells views which erasures nothing in memory knows of any more; nil:
// there are none.
func (r *Runtime) erasure() func() int64 {
	if r.personal == nil {
		return nil
	}
	return r.personal.seen.Load
}

// unsealed is the store below the seal.
func (r *Runtime) unsealed() store.Store {
	if r.personal == nil {
		return r.cfg.Store
	}
	return r.personal.store.Unwrap()
}

// box seals what is kept; nil: nothing is sealed.
func (r *Runtime) box() *seal.Box {
	if r.personal == nil {
		return nil
	}
	return r.personal.box
}

// checkPersonal finds what is tagged as personal, and what is wrong with the
// tags.
func (r *Runtime) checkPersonal() []error {
	c := tagCheck{r: r}
	for _, e := range r.registry.Entities {
		c.entity(e)
	}
	for _, cmd := range r.registry.Commands {
		c.plan(cmd.Place, fmt.Sprintf("the input of command %q", cmd.Name), cmd.In)
		c.plan(cmd.Place, fmt.Sprintf("the reply of command %q", cmd.Name), cmd.Out)
	}
	for _, a := range r.registry.Actions {
		if len(a.Faults) == 0 {
			c.action(a)
		}
	}
	return c.faults
}

type tagCheck struct {
	r      *Runtime
	faults []error
}

func (c *tagCheck) fault(place registry.Place, what string, err error) {
	c.faults = append(c.faults, fmt.Errorf("%s: %s: %w", place, what, err))
}

// plan is that of a type that may be stored, or nil.
func (c *tagCheck) plan(place registry.Place, what string, t reflect.Type) *seal.Plan {
	p, err := seal.PlanOf(t)
	return c.checked(place, what, p, err)
}

func (c *tagCheck) checked(place registry.Place, what string, p *seal.Plan, err error) *seal.Plan {
	switch {
	case err != nil:
		c.fault(place, what, err)
	case p != nil && c.r.personal == nil:
		c.fault(place, what, errors.New("it has personal fields, which need keys: set Config.Keys, such as to what sqlite.OpenKeys makes"))
	case p != nil:
		c.r.personal.tagged = true
	}
	return p
}

// bound is plan for what belongs to no entity: the type has to name the subject.
func (c *tagCheck) bound(place registry.Place, what string, p *seal.Plan) {
	if p != nil && p.Loose() != "" {
		c.fault(place, what, fmt.Errorf(`%s is personal, but nothing tells whose it is: tag the field with the subject's id subject:"true"`, p.Loose()))
	}
}

func (c *tagCheck) entity(e *registry.Entity) {
	shade := seal.Clear
	for _, ev := range e.Events {
		p := c.plan(e.Place, fmt.Sprintf("event %q", ev.Type), ev.Go)
		if p == nil || c.r.personal == nil {
			continue
		}
		c.r.personal.events[ev.Type] = p
		c.r.personal.entities[e] = true
		if shade = max(shade, seal.Sealed); p.Named() {
			shade = seal.Never
		}
	}
	if p := c.plan(e.Place, fmt.Sprintf("the state of entity %q", e.Type), e.State); p != nil && c.r.personal != nil {
		c.r.personal.states[e] = p
	}
	if shade != seal.Clear {
		c.r.personal.store.Shaded(e.Type, shade)
	}
}

func (c *tagCheck) action(a *registry.Action) {
	what := fmt.Sprintf("action %q: its ", a.Name)
	switch {
	case a.HTTP != nil:
		c.bound(a.Place, what+"output", c.plan(a.Place, what+"output", a.HTTP.Out))
		p, err := seal.PlanOfFields(a.HTTP.In)
		if p = c.checked(a.Place, what+"input", p, err); a.HTTP.Async {
			c.bound(a.Place, what+"input", p)
		}
	case a.Queue != nil:
		c.bound(a.Place, what+"message", c.plan(a.Place, what+"message", a.Queue.In))
	case a.Source != nil:
		c.bound(a.Place, what+"message", c.plan(a.Place, what+"message", a.Source.In))
	case a.Timer != nil:
		c.plan(a.Place, what+"input", a.Timer.In)
	case a.Workflow != nil:
		c.plan(a.Place, what+"input", a.Workflow.In)
		c.plan(a.Place, what+"output", a.Workflow.Out)
	}
}
