package cli

import (
	"cmp"
	"context"
	"flag"
	"strconv"
	"strings"
	"time"
)

func lsCommand() command {
	return command{
		name: "ls", args: "[type]", about: "List what a program hosts, or its entities of a type",
		more: `Without a type it lists entities, commands, actions, views and queries, in the
order of their definition. With the name of an entity type it lists the entities
of that type page by page, those that changed last first.`,
		plan: planLs,
	}
}

func planLs(f *flag.FlagSet) run {
	kind := f.String("kind", "", "only this `kind`: entity, command, action, view or query")
	l := &listing{
		search: f.String("search", "", "only ids that begin with this `text`"),
		by:     f.String("by", "", "`order`: change (the default) or birth"),
		oldest: f.Bool("oldest", false, "the oldest first"),
		cursor: f.String("cursor", "", "go on behind an earlier page, as it said"),
		limit:  f.Int("limit", 50, "at most so many `entities`, up to 500"),
	}
	return remote(f, func(ctx context.Context, s *session) error {
		switch len(s.args) {
		case 0:
			return s.definitions(ctx, *kind)
		case 1:
			return s.entities(ctx, s.args[0], l)
		}
		return misused("there are %d arguments: name one entity type", len(s.args))
	})
}

// catalog is what a program hosts.
type catalog struct {
	Entities []struct {
		definition
		Events []struct{ Type string }
	}
	Commands []definition
	Actions  []struct {
		definition
		Trigger, To string
		On          []string
	}
	Views []struct {
		definition
		Tables []struct{ Name string }
	}
	Queries []struct {
		definition
		Method, Path string
		Live         bool
	}
}

type definition struct{ Name, Service string }

func (s *session) definitions(ctx context.Context, kind string) error {
	var all catalog
	data, err := s.get(ctx, "catalog", nil, &all)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable("KIND", "NAME", "SERVICE", "")
		all.each(func(k string, d definition, about string) {
			if kind == "" || kind == k {
				t.row(k, d.Name, dash(d.Service), about)
			}
		})
		s.table(t, "the program hosts nothing of that kind")
	})
}

// each tells of all definitions, kind by kind.
func (c *catalog) each(fn func(kind string, d definition, about string)) {
	for _, e := range c.Entities {
		fn("entity", e.definition, count(len(e.Events), "event type", "event types"))
	}
	for _, d := range c.Commands {
		fn("command", d, "")
	}
	for _, a := range c.Actions {
		about := a.Trigger + " " + strings.Join(a.On, ", ")
		switch {
		case a.Trigger == "http":
			about = ""
		case a.To != "":
			about += " to " + a.To
		}
		fn("action", a.definition, about)
	}
	for _, v := range c.Views {
		var tables []string
		for _, t := range v.Tables {
			tables = append(tables, t.Name)
		}
		fn("view", v.definition, "tables "+strings.Join(tables, ", "))
	}
	for _, q := range c.Queries {
		about := q.Method + " " + q.Path
		if q.Live {
			about += ", live"
		}
		fn("query", q.definition, strings.TrimSpace(about))
	}
}

// listing says which entities are wanted.
type listing struct {
	search, by, cursor *string
	oldest             *bool
	limit              *int
}

// entityPage is a page of entities.
type entityPage struct {
	Items []struct {
		ID      string
		Version int64
		Time    time.Time
		Event   string
		Deleted bool
	}
	Next string
}

func (s *session) entities(ctx context.Context, entityType string, l *listing) error {
	query := values("type", entityType, "search", *l.search, "by", *l.by, "max", strconv.Itoa(*l.limit))
	if *l.oldest {
		query.Set("oldest", "true")
	}
	if *l.cursor != "" { // it carries all of the above
		query = values("cursor", *l.cursor, "max", strconv.Itoa(*l.limit))
	}
	var page entityPage
	data, err := s.get(ctx, "entities", query, &page)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		when := map[string]string{"birth": "BORN"}[*l.by]
		t := newTable("ID", "VERSION", cmp.Or(when, "CHANGED"), "LAST EVENT")
		for _, e := range page.Items {
			event := e.Event
			if e.Deleted {
				event += " (deleted)"
			}
			t.row(e.ID, strconv.FormatInt(e.Version, 10), stamp(e.Time), event)
		}
		s.table(t, "no entities were found")
		if page.Next != "" {
			s.note("more: talix ls %s --cursor %s", entityType, page.Next)
		}
	})
}

// note tells people what is beside the answer.
func (c *call) note(format string, args ...any) {
	if !c.quiet {
		say(c.Stderr, format+"\n", args...)
	}
}
