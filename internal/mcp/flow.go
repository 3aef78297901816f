package mcp

import (
	"context"
	"slices"
)

func (s *server) flows() {
	add(s, tool{
		name: "list_flows", title: "The newest requests",
		about: "Lists the newest flows that are remembered: each is everything that one outside cause led to, with how many operations it had and how many failed. Where more happens than can be remembered, one in so many is, as oneIn says; failed ones always are.",
		rules: []rule{limited(100, 25), between("offset", 0, 1e6)},
	}, s.listFlows)
	add(s, tool{
		name: "get_flow", title: "What one request led to",
		about: "Tells everything that one outside cause led to, as a tree (depth) in order: actions, steps, commands, events, errors, and the work that is not finished. The correlation id stands in each event, in the answers of HTTP requests as Talix-Correlation, and in list_flows.",
		rules: append(named("correlation_id"), limited(200, 100), between("offset", 0, 1e6)),
	}, s.getFlow)
}

type listFlows struct {
	Failed bool `json:"failed_only,omitempty" jsonschema:"Only those in which something failed."`
	Limit  int  `json:"limit,omitempty" jsonschema:"At most so many."`
	Offset int  `json:"offset,omitempty" jsonschema:"Go on behind so many, as next of an earlier answer says."`
}

func (s *server) listFlows(ctx context.Context, in listFlows) (answer, error) {
	failed := ""
	if in.Failed {
		failed = "true"
	}
	v, err := s.get(ctx, "flows", values("failed", failed))
	if err != nil {
		return answer{}, err
	}
	o := objectOf(v)
	a, err := sliced(o.list("items"), in.Offset, or(in.Limit, 25), "flows", o.only("oneIn"))
	a.about = "The newest flows that are remembered; get_flow tells of one"
	return a, err
}

type getFlow struct {
	ID     string `json:"correlation_id" jsonschema:"The correlation id, such as 01a20aac-63bd-7005-b007-02b508e420a7."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many steps."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many steps, as next of an earlier answer says."`
}

func (s *server) getFlow(ctx context.Context, in getFlow) (answer, error) {
	v, err := s.get(ctx, "flow", values("correlation", in.ID))
	if err != nil {
		return answer{}, err
	}
	o := objectOf(v)
	work, cuts := shorten(briefWork(o.list("work")), "/work", perItem)
	rest := slices.Concat(o.only("correlation", "started", "durationNanos", "partly"), object{{"work", work}})
	a, err := sliced(o.list("steps"), in.Offset, or(in.Limit, 100), "steps", rest)
	a.about = "What one outside cause led to; get_work tells all of its unfinished work"
	a.noteCuts(cuts, "get_work tells of each")
	return a, err
}
