package mcp

import (
	"context"
	"fmt"
)

func (s *server) operations() {
	add(s, tool{
		name: "get_health", title: "How the program is",
		about: "Tells how the program is: whether it is ready, rates, failures and durations (seconds) of its commands, actions and queries over the last minutes, how far actions on events and views lag behind the log, how much work waits or is parked, and the latest failures.",
	}, s.health)
	add(s, tool{
		name: "get_cluster", title: "Nodes and partitions",
		about: "Tells which nodes work on the store, which partitions each owns, and how far each partition's log is, as the node that is asked saw it last.",
		rules: []rule{between("offset", 0, 1e6)},
	}, s.cluster)
	add(s, tool{
		name: "list_problems", title: "What is stuck or fails",
		about: "Gathers what is wrong at this moment: why the program is not ready, work that is parked (failed for good and kept, with what has to come after it waiting behind) with its error, views that stopped or cannot take events, and the latest failures. Start here when something does not work; then get_work, list_parked_events or get_flow tell more.",
	}, s.problems)
}

type nothing struct{}

func (s *server) health(ctx context.Context, _ nothing) (answer, error) {
	v, err := s.get(ctx, "health", nil)
	if err != nil {
		return answer{}, err
	}
	h := objectOf(v)
	for i, m := range h {
		switch value := m.value.(type) {
		case object:
			h[i].value = value.without("counts", "failures")
		case []any:
			for j, item := range value {
				if o, ok := item.(object); ok {
					value[j] = o.without("counts", "failures")
				}
			}
		}
	}
	return windowed("How the program is, at this moment", nil, "health", h, "", 0)
}

type getCluster struct {
	Offset int `json:"offset,omitempty" jsonschema:"Go on behind so many partitions, as next of an earlier answer says."`
}

func (s *server) cluster(ctx context.Context, in getCluster) (answer, error) {
	v, err := s.get(ctx, "cluster", nil)
	if err != nil {
		return answer{}, err
	}
	c := objectOf(v)
	rest, cuts := shorten(c.without("partitions", "lags", "views"), "", perItem)
	a, err := sliced(c.list("partitions"), in.Offset, 256, "partitions", objectOf(rest))
	a.about = "Who works on the store"
	a.noteCuts(cuts, "there are too many to be shown")
	return a, err
}

// shownProblems bounds the parked work and the failures of list_problems.
const shownProblems = 10

func (s *server) problems(ctx context.Context, _ nothing) (answer, error) {
	v, err := s.get(ctx, "health", nil)
	if err != nil {
		return answer{}, err
	}
	h := objectOf(v)
	parked, err := s.get(ctx, "work", values("status", "parked", "max", digits(shownProblems)))
	if err != nil {
		return answer{}, err
	}
	failures := h.list("failures")
	p := object{
		{"ready", h.get("ready")}, {"reason", h.text("reason")}, {"work", h.get("work")},
		{"parkedWork", briefWork(objectOf(parked).list("items"))},
		{"views", sickViews(h.list("views"))},
		{"latestFailures", failures[:min(len(failures), shownProblems)]},
	}
	a, err := windowed("What is stuck or fails at this moment", nil, "problems", p, "", 0)
	a.next = nil
	if objectOf(parked).text("next") != "" {
		a.note("more work is parked: list_work with status parked lists all of it")
	}
	a.note("list_parked_events tells of the events that a view cannot take; get_work tells all of one piece of work")
	return a, err
}

// sickViews are those that do not go on as they should.
func sickViews(all []any) []any {
	sick := []any{}
	for _, v := range all {
		o := objectOf(v)
		rebuild := objectOf(o.get("rebuild"))
		if o.text("fault") != "" || o.get("stopped") == true || o.number("parked") > 0 || rebuild.text("fault") != "" {
			sick = append(sick, o.only("name", "lag", "parked", "fault", "stopped", "rebuild"))
		}
	}
	return sick
}

// briefWork are pieces of work as a list of problems has them.
func briefWork(all []any) []any {
	out := []any{}
	for _, w := range all {
		o := objectOf(w).only("id", "kind", "action", "entityType", "entityId", "version", "attempts", "changed", "behind", "correlation")
		text := head(objectOf(w).text("error"), 500)
		out = append(out, append(o, member{"error", text}))
	}
	return out
}

// counted is a number with its word.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
