package cli

import (
	"context"
	"encoding/json"
	"flag"
	"slices"
	"strconv"
)

func timersCommand() command {
	return command{
		name: "timers", about: "List the timers and schedules of a program",
		more: `Those that are due first come first, within a page of each.`,
		plan: planTimers,
	}
}

func planTimers(f *flag.FlagSet) run {
	limit := f.Int("limit", 50, "at most so many `timers`, and as many schedules, up to 500")
	return remote(f, func(ctx context.Context, s *session) error {
		if err := s.noArgs(); err != nil {
			return err
		}
		return s.timers(ctx, strconv.Itoa(*limit))
	})
}

func (s *session) timers(ctx context.Context, limit string) error {
	var all []workItem
	raw := map[string]json.RawMessage{}
	cut := false
	for _, kind := range []string{"timer", "schedule"} {
		var page workPage
		data, err := s.get(ctx, "work", values("kind", kind, "max", limit), &page)
		if err != nil {
			return err
		}
		all, raw[kind+"s"], cut = append(all, page.Items...), data, cut || page.Next != ""
	}
	if s.json {
		s.write(raw)
		return nil
	}
	slices.SortStableFunc(all, func(a, b workItem) int { return a.Due.Compare(b.Due) })
	t := newTable("DUE", "IN", "STATUS", "ATTEMPTS", "ID")
	for i := range all {
		w := &all[i]
		t.row(stamp(w.Due), w.next(s.Now()), w.Status, strconv.Itoa(w.Attempts), w.ID)
	}
	s.table(t, "there are no timers and no schedules")
	if cut {
		s.note("there are more: --limit tells how many are listed")
	}
	return nil
}
