package mcp

import (
	"context"
)

func (s *server) work() {
	add(s, tool{
		name: "list_work", title: "What waits or is parked",
		about: "Lists work that is not finished, in the order of its ids: events and messages that an action failed at (status parked: for good, until someone retries or skips it), timers and schedules with when they are due, requests that were answered before the work, and workflows with what they await. The payload and what a run did so far stand in get_work.",
		rules: []rule{
			oneOf("kind", "event", "message", "pour", "request", "schedule", "timer", "workflow"),
			oneOf("status", "ready", "waiting", "parked", "suspended", "compensating"), limited(200, 25),
		},
	}, s.listWork)
	add(s, tool{
		name: "get_work", title: "One piece of work in full",
		about: "Tells all that is known of one unfinished piece of work: its error, its payload (the event, message or input), the steps that its run has done with their results, and what waits behind it. With path and offset, a part of a large one.",
		rules: append(named("id"), between("offset", 0, 1e9)),
	}, s.getWork)
}

type listWork struct {
	Kind   string `json:"kind,omitempty" jsonschema:"Only work of this kind."`
	Status string `json:"status,omitempty" jsonschema:"Only work of this status."`
	Action string `json:"action,omitempty" jsonschema:"Only work of this action."`
	After  string `json:"after,omitempty" jsonschema:"Go on behind the work of this id, as next of an earlier answer says."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many."`
}

func (s *server) listWork(ctx context.Context, in listWork) (answer, error) {
	a, err := paged(or(in.Limit, 25), "work", func(n int) (page, error) {
		v, err := s.get(ctx, "work", values("kind", in.Kind, "action", in.Action, "status", in.Status, "after", in.After, "max", digits(n)))
		o := objectOf(v)
		p := page{items: o.list("items")}
		for i, item := range p.items {
			p.items[i] = objectOf(item).without("payload")
		}
		if next := o.text("next"); next != "" {
			p.next = object{{"after", next}}
		}
		return p, err
	})
	a.about = "Work that is not finished; get_work tells all of one piece"
	return a, err
}

type getWork struct {
	ID     string `json:"id" jsonschema:"Its id, as list_work has it, such as event/notify/account/alice."`
	Path   string `json:"path,omitempty" jsonschema:"Only this part of the answer's work, as a JSON pointer such as /payload/lines."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many members, or characters of a text, as next of an earlier answer says."`
}

func (s *server) getWork(ctx context.Context, in getWork) (answer, error) {
	v, err := s.get(ctx, "work/item", values("id", in.ID))
	if err != nil {
		return answer{}, err
	}
	return windowed("A piece of work that is not finished", nil, "work", v, in.Path, in.Offset)
}
