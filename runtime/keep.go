package runtime

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/queue"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// keep makes what keeps work that must not be lost.
func (r *Runtime) keep() {
	r.others = map[work.Kind]func(context.Context, work.Item) work.Verdict{}
	r.flow = flow.New(flow.Config{
		Registry: r.registry, Store: r.cfg.Store, Group: r.group, Now: r.cfg.Now, NewID: r.ids.New, Log: r.cfg.Log,
		Poll: r.cfg.Poll, Seal: r.box(), Act: r.onItem, Others: r.others, Sweep: []work.Sweep{{Space: queue.Seen}},
	})
	r.past = past{store: r.cfg.Store, registry: r.registry, last: map[store.Stream]pastState{}}
}

// asynchronous tells whether requests may be answered before the work.
func (r *Runtime) asynchronous() bool {
	return slices.ContainsFunc(r.registry.Actions, func(a *registry.Action) bool { return a.HTTP != nil && a.HTTP.Async })
}

// checkKept checks workflows, timers and schedules.
func (r *Runtime) checkKept(set *schema.Set) (faults []error) {
	r.workflows = map[*registry.Action]func(any) error{}
	for _, a := range r.registry.Actions {
		var err error
		switch {
		case len(a.Faults) > 0:
		case a.Workflow != nil:
			r.workflows[a], err = checkOf(set, a.Workflow.In, "workflow "+a.Name)
		case a.Schedule != nil:
			err = flow.CheckSchedule(a.Schedule)
		case a.Queue != nil && r.cfg.Brokers[a.Queue.Broker] == nil:
			err = missingBroker(a.Queue.Broker)
		case a.Topic != nil && r.cfg.Brokers[a.Topic.Broker] == nil:
			err = missingBroker(a.Topic.Broker)
		case a.Event != nil && a.Event.Entity != nil && !slices.Contains(r.registry.Entities, a.Event.Entity):
			err = fmt.Errorf("its entity %q is in no service: add it to Components", a.Event.Entity.Type)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: action %q: %w", a.Place, a.Name, err))
		}
	}
	return faults
}

func missingBroker(name string) error {
	if name == "" {
		return errors.New("there is no broker: give the runtime one in Config.Brokers[\"\"]")
	}
	return fmt.Errorf("there is no broker %q: give the runtime one in Config.Brokers[%q]", name, name)
}
