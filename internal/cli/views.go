package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/move"
)

func viewsCommand() command {
	return command{
		name: "views", args: "[rebuild view | verify view | parked view | retry view type id | skip view type id]",
		about: "List the views of a program, and mend them",
		words: []string{"rebuild", "verify", "parked", "retry", "skip"},
		more: `  rebuild view          makes its tables anew from the log, beside the present ones;
                        it goes on in the program, also when this command ends
  verify view           compares its rows with the log; ends with 3 if they differ
  parked view           lists the events that it can't take
  retry view type id    takes those of an entity again
  skip view type id     passes over one for good`,
		plan: planViews,
	}
}

func planViews(f *flag.FlagSet) run {
	yes := yesFlag(f)
	return remote(f, verbs(
		verb{"list", nil, func(ctx context.Context, s *session, _ []string) error { return s.views(ctx) }},
		verb{"rebuild", []string{"view"}, func(ctx context.Context, s *session, args []string) error { return s.rebuild(ctx, args[0]) }},
		verb{"verify", []string{"view"}, func(ctx context.Context, s *session, args []string) error { return s.verifyView(ctx, args[0]) }},
		verb{"parked", []string{"view"}, func(ctx context.Context, s *session, args []string) error {
			all, raw, err := s.parkedIn(ctx, args[0])
			if err != nil {
				return err
			}
			if s.json {
				s.write(raw)
				return nil
			}
			if len(all) == 0 {
				say(s.Stdout, "it takes all events\n")
			}
			s.parkedInViews(all)
			return nil
		}},
		verb{"retry", []string{"view", "type", "id"}, func(ctx context.Context, s *session, args []string) error {
			return s.ofView(ctx, "view/retry", args, "taken again: the events of %s %s")
		}},
		verb{"skip", []string{"view", "type", "id"}, func(ctx context.Context, s *session, args []string) error {
			if err := sure(*yes, "%s would pass over an event of %s %s for good", args[0], args[1], args[2]); err != nil {
				return err
			}
			return s.ofView(ctx, "view/skip", args, "passed over: an event of %s %s")
		}},
	))
}

// viewStatus is a view with how far it is.
type viewStatus struct {
	Name, Service string
	Lag           int64
	Parked        int
	Fault         string
	Rebuild       *struct {
		Done, Total int64
		Fault       string
		Waits       []string
	}
}

func (s *session) views(ctx context.Context) error {
	var all []viewStatus
	data, err := s.get(ctx, "views", nil, &all)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable("VIEW", "SERVICE", "LAG", "PARKED", "STATUS")
		for i := range all {
			v := &all[i]
			t.row(v.Name, dash(v.Service), number(v.Lag), fmt.Sprint(v.Parked), v.status())
		}
		s.table(t, "the program has no views")
	})
}

func (v *viewStatus) status() string {
	switch {
	case v.Rebuild != nil && v.Rebuild.Fault != "":
		return "its rebuild does not go on: " + short(v.Rebuild.Fault, widest)
	case v.Rebuild != nil && len(v.Rebuild.Waits) > 0:
		return "is made anew; waits until these nodes end, which have the former definition: " + short(strings.Join(v.Rebuild.Waits, ", "), widest)
	case v.Rebuild != nil:
		return fmt.Sprintf("is made anew, %d%%", 100*v.Rebuild.Done/max(v.Rebuild.Total, 1))
	case v.Fault != "":
		return "does not go on: " + short(v.Fault, widest)
	}
	return "is kept up"
}

// askEvery is how often it is asked how far something is.
const askEvery = 100 * time.Millisecond

// rebuild begins a rebuild, and tells how far it is until it has ended.
func (s *session) rebuild(ctx context.Context, view string) error {
	var v viewStatus
	if _, err := s.post(ctx, "view/rebuild", map[string]string{"name": view}, &struct{}{}); err != nil {
		return err
	}
	bar := s.bar()
	defer bar.end()
	for {
		data, err := s.get(ctx, "view", values("name", view), &v)
		switch {
		case err != nil:
			return err
		case v.Rebuild == nil:
			bar.end()
			return s.did(data, "%s was made anew", plain(view))
		case v.Rebuild.Fault != "":
			return fmt.Errorf("the rebuild does not go on at present, and is tried again: %s", v.Rebuild.Fault)
		}
		bar.at(move.Progress{Phase: "rebuild", Done: v.Rebuild.Done, Total: v.Rebuild.Total, Unit: "positions"})
		v = viewStatus{}
		select {
		case <-time.After(askEvery):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// rowDifference is a row of a view that is not what the log makes of it.
type rowDifference struct {
	Table     string
	Columns   []string
	View, Log []json.RawMessage
	Differing []string
}

// errRows: a view is not what the log makes of it.
type errRows struct{ n int }

func (e *errRows) Error() string {
	return fmt.Sprintf("%s: talix views rebuild makes the view anew", count(e.n, "row differs", "rows differ"))
}

// Unwrap has the command end with Different.
func (e *errRows) Unwrap() error { return move.ErrDifferent }

func (s *session) verifyView(ctx context.Context, view string) error {
	var all []rowDifference
	data, err := s.post(ctx, "view/verify", map[string]string{"name": view}, &all)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		if s.json {
			s.pass(json.RawMessage("[]"))
			return nil
		}
		say(s.Stdout, "%s is what the log makes of it\n", plain(view))
		return nil
	}
	if s.json {
		s.pass(data)
		return &told{&errRows{len(all)}}
	}
	t := newTable("TABLE", "COLUMNS", "IN THE VIEW", "BY THE LOG")
	for _, d := range all {
		t.row(d.Table, strings.Join(d.Differing, ", "), rowText(d.View), rowText(d.Log))
	}
	s.table(t, "")
	return &errRows{len(all)}
}

func rowText(row []json.RawMessage) string {
	if row == nil {
		return "no row"
	}
	cells := make([]string, len(row))
	for i, v := range row {
		cells[i] = cell(v)
	}
	return short(strings.Join(cells, ", "), widest)
}

func (s *session) ofView(ctx context.Context, path string, args []string, text string) error {
	in := map[string]string{"name": args[0], "entityType": args[1], "entityId": args[2]}
	data, err := s.post(ctx, path, in, &struct{}{})
	if err != nil {
		return err
	}
	return s.did(data, text, plain(args[1]), plain(args[2]))
}
