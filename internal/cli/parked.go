package cli

import (
	"context"
	"encoding/json"
	"flag"
	"strconv"
	"time"
)

func parkedCommand() command {
	return command{
		name: "parked", args: "[show id | retry id… | skip id… | replay action]", about: "List what has failed for good, and mend it",
		words: []string{"show", "retry", "skip", "replay"},
		more: `It lists the work that is parked, and the events that views can't take.

  show id         tells all that is known of a piece of work, and what its run did
  retry id…       has it run now, as if it had never failed
  skip id…        gives up what it is stuck at, so that what stands behind it goes on
  replay action   retries all parked work of an action, as after a mend

What a view can't take is mended by talix views.`,
		plan: planParked,
	}
}

func planParked(f *flag.FlagSet) run {
	page, yes, reveal := pagingFlags(f), yesFlag(f), revealFlag(f)
	return remote(f, verbs(
		verb{"list", nil, func(ctx context.Context, s *session, _ []string) error { return s.parked(ctx, page) }},
		verb{"show", []string{"id"}, func(ctx context.Context, s *session, args []string) error { return s.inspect(ctx, args[0], *reveal) }},
		verb{"retry", []string{"…"}, func(ctx context.Context, s *session, args []string) error {
			return s.each(ctx, "work/retry", "it is tried again:", args)
		}},
		verb{"skip", []string{"…"}, func(ctx context.Context, s *session, args []string) error {
			if err := sure(*yes, "what %d pieces of work are stuck at would be given up for good", len(args)); err != nil {
				return err
			}
			return s.each(ctx, "work/skip", "given up:", args)
		}},
		verb{"replay", []string{"action"}, func(ctx context.Context, s *session, args []string) error { return s.replay(ctx, args[0]) }},
	))
}

// parkedEvent is an event that a view can't take.
type parkedEvent struct {
	View, EntityType, EntityID string
	Version                    int64
	Error                      string
	Attempts, Behind           int64
	Since                      time.Time
}

func (s *session) parked(ctx context.Context, p *paging) error {
	var page workPage
	work, err := s.get(ctx, "work", values(p.query("status", "parked")...), &page)
	if err != nil {
		return err
	}
	events, raw, err := s.parkedEvents(ctx)
	if err != nil {
		return err
	}
	if s.json {
		s.write(map[string]any{"work": work, "views": raw})
		return nil
	}
	if len(page.Items)+len(events) == 0 {
		say(s.Stdout, "nothing is parked\n")
		return nil
	}
	s.parkedWork(page.Items)
	if len(page.Items) > 0 && len(events) > 0 {
		say(s.Stdout, "\n")
	}
	s.parkedInViews(events)
	s.more(&page)
	return nil
}

func (s *session) parkedWork(items []workItem) {
	if len(items) == 0 {
		return
	}
	t := newTable("ID", "VERSION", "ATTEMPTS", "BEHIND", "PARKED", "ERROR")
	for i := range items {
		w := &items[i]
		t.row(w.ID, dash(nonzero(w.Version)), strconv.Itoa(w.Attempts), strconv.Itoa(w.Behind), stamp(w.Changed), short(w.Error, widest))
	}
	s.table(t, "")
}

// parkedEvents are those of all views that have any.
func (s *session) parkedEvents(ctx context.Context) (all []parkedEvent, raw []json.RawMessage, err error) {
	raw = []json.RawMessage{}
	var views []viewStatus
	if _, err := s.get(ctx, "views", nil, &views); err != nil {
		return nil, nil, err
	}
	for _, v := range views {
		if v.Parked == 0 {
			continue
		}
		some, data, err := s.parkedIn(ctx, v.Name)
		if err != nil {
			return nil, nil, err
		}
		all, raw = append(all, some...), append(raw, data...)
	}
	return all, raw, nil
}

func (s *session) parkedIn(ctx context.Context, view string) (all []parkedEvent, raw []json.RawMessage, err error) {
	data, err := s.get(ctx, "view/parked", values("name", view), &all)
	if err != nil {
		return nil, nil, err
	}
	err = read(data, &raw)
	return all, raw, err
}

func (s *session) parkedInViews(all []parkedEvent) {
	if len(all) == 0 {
		return
	}
	t := newTable("VIEW", "ENTITY", "VERSION", "ATTEMPTS", "BEHIND", "PARKED", "ERROR")
	for _, e := range all {
		t.row(e.View, e.EntityType+" "+e.EntityID, nonzero(e.Version), number(e.Attempts), number(e.Behind), stamp(e.Since), short(e.Error, widest))
	}
	s.table(t, "")
}

func (s *session) replay(ctx context.Context, action string) error {
	var done struct{ Count int }
	data, err := s.post(ctx, "work/replay", map[string]string{"name": action}, &done)
	if err != nil {
		return err
	}
	return s.did(data, "tried again: %s of %s", count(done.Count, "piece of work", "pieces of work"), plain(action))
}
