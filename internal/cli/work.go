package cli

import (
	"context"
	"encoding/json"
	"flag"
	"strconv"
	"time"
)

// workItem is one piece of work that is not finished.
type workItem struct {
	ID, RunID, Kind, Action, Service, Status string
	EntityType, EntityID                     string
	Version                                  int64
	Attempts                                 int
	Error                                    string
	Created, Changed, Due                    time.Time
	Awaits, Correlation                      string
	Payload                                  json.RawMessage
	Behind                                   int
	Steps                                    []workStep
}

// workStep is what a run has done.
type workStep struct {
	Path, Kind, Name string
	Result           json.RawMessage
	Error            string
}

// workPage is a page of work.
type workPage struct {
	Items []workItem
	Next  string
}

// paging is which page of work is wanted.
type paging struct {
	action, after *string
	limit         *int
}

func pagingFlags(f *flag.FlagSet) *paging {
	return &paging{
		action: f.String("action", "", "only work of this `action`"),
		after:  f.String("after", "", "go on behind the piece of work with this `id`"),
		limit:  f.Int("limit", 50, "at most so many `pieces`, up to 500"),
	}
}

func (p *paging) query(pairs ...string) []string {
	return append(pairs, "action", *p.action, "after", *p.after, "max", strconv.Itoa(*p.limit))
}

// more tells how to go on.
func (s *session) more(page *workPage) {
	if page.Next != "" {
		s.note("there is more: add --after %s", page.Next)
	}
}

// inspect tells all that is known of a piece of work.
func (s *session) inspect(ctx context.Context, id string, reveal bool) error {
	var i workItem
	data, err := s.look(ctx, reveal, "work/item", values("id", id), "work", map[string]string{"id": id}, &i)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		for _, line := range [][2]string{
			{"id", i.ID}, {"status", i.Status}, {"action", i.Action}, {"service", i.Service},
			{"entity", i.about()}, {"attempts", strconv.Itoa(i.Attempts)}, {"since", stamp(i.Created)}, {"due", stamp(i.Due)},
			{"awaits", i.Awaits}, {"behind", strconv.Itoa(i.Behind)}, {"flow", i.Correlation}, {"error", i.Error},
		} {
			if line[1] != "" && line[1] != "-" && line[1] != "0" {
				say(s.Stdout, "%-10s%s\n", line[0], plain(line[1]))
			}
		}
		say(s.Stdout, "\n%s\n", pretty(i.Payload))
		s.steps(i.Steps)
	})
}

func (s *session) steps(all []workStep) {
	if len(all) == 0 {
		return
	}
	t := newTable("STEP", "KIND", "NAME", "RESULT")
	for _, st := range all {
		result := string(st.Result)
		if st.Error != "" {
			result = "failed: " + st.Error
		}
		t.row(st.Path, st.Kind, st.Name, dash(short(result, widest)))
	}
	say(s.Stdout, "\n")
	s.table(t, "")
}

func (i *workItem) about() string {
	if i.EntityID == "" {
		return ""
	}
	text := i.EntityType + " " + i.EntityID
	if i.Version > 0 {
		text += " v" + strconv.FormatInt(i.Version, 10)
	}
	return text
}

// next is when a piece of work goes on, or by what.
func (i *workItem) next(now time.Time) string {
	switch {
	case i.Awaits != "":
		return "signal " + i.Awaits
	case i.Status == "parked":
		return "-"
	}
	return away(now, i.Due)
}

// each does something with pieces of work, one after another, to the first
// error.
func (s *session) each(ctx context.Context, path, what string, ids []string) error {
	if len(ids) == 0 {
		return misused("name the work by its id; talix parked lists it")
	}
	for _, id := range ids {
		var done struct{}
		if _, err := s.post(ctx, path, map[string]string{"id": id}, &done); err != nil {
			return err
		}
		if !s.json {
			say(s.Stdout, "%s %s\n", what, plain(id))
		}
	}
	if s.json {
		s.write(map[string]any{"done": true, "ids": ids})
	}
	return nil
}
