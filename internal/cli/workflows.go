package cli

import (
	"context"
	"encoding/json"
	"flag"
	"strings"
)

func workflowsCommand() command {
	return command{
		name: "workflows", args: "[show id | signal id name [json] | cancel id]", about: "List the workflows that run or wait, and steer them",
		words: []string{"show", "signal", "cancel"},
		more: `A workflow is named as the list has it, as in transfer/t-1. Those that have ended
are not listed. talix run starts one.

  show id                 tells what its run has done
  signal id name [json]   tells it what it may wait for
  cancel id               asks it to end, and what it did to be undone`,
		plan: planWorkflows,
	}
}

func planWorkflows(f *flag.FlagSet) run {
	page, yes, reveal := pagingFlags(f), yesFlag(f), revealFlag(f)
	status := f.String("status", "", "only those of this `status`: ready, waiting, parked, suspended or compensating")
	return remote(f, verbs(
		verb{"list", nil, func(ctx context.Context, s *session, _ []string) error { return s.workflows(ctx, page, *status) }},
		verb{"show", []string{"id"}, func(ctx context.Context, s *session, args []string) error {
			return s.inspect(ctx, workflowID(args[0]), *reveal)
		}},
		verb{"signal", []string{"id", "name", "…"}, func(ctx context.Context, s *session, args []string) error { return s.signal(ctx, args) }},
		verb{"cancel", []string{"id"}, func(ctx context.Context, s *session, args []string) error {
			if err := sure(*yes, "%s would end, and what it did be undone", args[0]); err != nil {
				return err
			}
			var done struct{}
			data, err := s.post(ctx, "work/cancel", map[string]string{"id": workflowID(args[0])}, &done)
			if err != nil {
				return err
			}
			return s.did(data, "it was asked to end: %s", plain(args[0]))
		}},
	))
}

// ofWorkflow is what the ids of workflows begin with.
const ofWorkflow = "workflow/"

func workflowID(arg string) string { return ofWorkflow + strings.TrimPrefix(arg, ofWorkflow) }

func (s *session) workflows(ctx context.Context, p *paging, status string) error {
	var page workPage
	data, err := s.get(ctx, "work", values(p.query("kind", "workflow", "status", status)...), &page)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable("ID", "STATUS", "NEXT", "SINCE", "ERROR")
		for i := range page.Items {
			w := &page.Items[i]
			t.row(strings.TrimPrefix(w.ID, ofWorkflow), w.Status, w.next(s.Now()), stamp(w.Created), short(w.Error, widest))
		}
		s.table(t, "no workflow is under way")
		s.more(&page)
	})
}

func (s *session) signal(ctx context.Context, args []string) error {
	if len(args) > 3 {
		return misused("signal takes an id, the name of the signal, and one JSON document")
	}
	in := struct {
		RunID  string          `json:"runId"`
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data,omitempty"`
	}{RunID: workflowID(args[0]), Signal: args[1]}
	if len(args) == 3 {
		var err error
		if in.Data, err = s.document(args[2]); err != nil {
			return err
		}
	}
	var done struct{}
	data, err := s.post(ctx, "work/signal", in, &done)
	if err != nil {
		return err
	}
	return s.did(data, "%s was told %s", plain(args[0]), plain(args[1]))
}
