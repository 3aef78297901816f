package mcp

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

func (s *server) entities() {
	add(s, tool{
		name: "find_entities", title: "Find entities",
		about: "Lists entities page by page, those that changed last first. With id_prefix only those whose id begins with it; such a page may be short, or empty, and still have a next one.",
		rules: []rule{limited(100, 25), oneOf("by", "change", "birth")},
	}, s.findEntities)
	add(s, tool{
		name: "get_state", title: "An entity's state",
		about: "Tells what one entity is now, or was at a version or a time: the fold of its events up to there. With path and offset, a part of a large state.",
		rules: append(named("type", "id"), between("version", 1, 1<<53), between("offset", 0, 1e9), dated("time")),
	}, s.getState)
	add(s, tool{
		name: "list_events", title: "An entity's events",
		about: "Lists the events of one entity in the order of their versions, which count from 1. Each has the correlation id of the flow it belongs to, for get_flow.",
		rules: append(named("type", "id"), between("from_version", 1, 1<<53), between("to_version", 1, 1<<53), limited(100, 20)),
	}, s.listEvents)
	add(s, tool{
		name: "get_event", title: "One event in full",
		about: "Tells all of one event of an entity: its payload and its metadata. With path and offset, a part of a large payload.",
		rules: append(named("type", "id"), between("version", 1, 1<<53), between("offset", 0, 1e9)),
	}, s.getEvent)
}

// dated is a time.
func dated(name string) rule {
	return rule{name, func(s *jsonschema.Schema) { s.Format = "date-time" }}
}

type findEntities struct {
	Type   string `json:"type,omitempty" jsonschema:"Only entities of this type, as list_definitions has it."`
	Prefix string `json:"id_prefix,omitempty" jsonschema:"Only entities whose id begins with this. The one of exactly this id comes first."`
	By     string `json:"by,omitempty" jsonschema:"The order: by their last event, or by their first. Defaults to change."`
	Oldest bool   `json:"oldest_first,omitempty" jsonschema:"The oldest first."`
	Cursor string `json:"cursor,omitempty" jsonschema:"Go on behind an earlier page, as its next says. It carries all of the above."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many."`
}

func (s *server) findEntities(ctx context.Context, in findEntities) (answer, error) {
	a, err := paged(or(in.Limit, 25), "entities", func(n int) (page, error) {
		q := values("type", in.Type, "search", in.Prefix, "by", in.By, "cursor", in.Cursor, "max", digits(n))
		if in.Oldest {
			q.Set("oldest", "true")
		}
		v, err := s.get(ctx, "entities", q)
		o := objectOf(v)
		p := page{items: o.list("items"), rest: o.only("looked")}
		if next := o.text("next"); next != "" {
			p.next = object{{"cursor", next}}
		}
		return p, err
	})
	a.about = "Entities of the program; get_state and list_events tell of one"
	return a, err
}

type getState struct {
	Type    string `json:"type" jsonschema:"The entity's type."`
	ID      string `json:"id" jsonschema:"The entity's id."`
	Version int64  `json:"version,omitempty" jsonschema:"As of this version. Defaults to now."`
	Time    string `json:"time,omitempty" jsonschema:"As of this time, such as 2026-03-01T12:00:00Z. Defaults to now."`
	Path    string `json:"path,omitempty" jsonschema:"Only this part of the state, as a JSON pointer such as /lines/3."`
	Offset  int    `json:"offset,omitempty" jsonschema:"Go on behind so many members, or characters of a text, as next of an earlier answer says."`
}

func (s *server) getState(ctx context.Context, in getState) (answer, error) {
	if in.Version > 0 && in.Time != "" {
		return answer{}, fmt.Errorf("both version and time are given: choose one")
	}
	v, err := s.get(ctx, "state", values("type", in.Type, "id", in.ID, "version", digits(in.Version), "time", in.Time))
	if err != nil {
		return answer{}, err
	}
	o := objectOf(v)
	about := fmt.Sprintf("The state of an entity at version %d", o.number("version"))
	return windowed(about, o.without("state"), "state", o.get("state"), in.Path, in.Offset)
}

type listEvents struct {
	Type   string `json:"type" jsonschema:"The entity's type."`
	ID     string `json:"id" jsonschema:"The entity's id."`
	From   int64  `json:"from_version,omitempty" jsonschema:"From this version on."`
	To     int64  `json:"to_version,omitempty" jsonschema:"Up to this version."`
	Newest bool   `json:"newest_first,omitempty" jsonschema:"The newest first."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many."`
}

func (s *server) listEvents(ctx context.Context, in listEvents) (answer, error) {
	a, err := paged(or(in.Limit, 20), "events", func(n int) (page, error) {
		q := values("type", in.Type, "id", in.ID, "from", digits(in.From), "to", digits(in.To), "max", digits(n+1))
		if in.Newest {
			q.Set("reverse", "true")
		}
		v, err := s.get(ctx, "events", q)
		all := objectOf(v).list("items")
		p := page{rest: object{{"type", in.Type}, {"id", in.ID}}, items: slices.Clone(all[:min(n, len(all))])}
		for i, e := range p.items {
			p.items[i] = objectOf(e).only("version", "type", "time", "id", "command", "correlation", "causation", "ends", "payload")
		}
		if len(all) > n {
			p.next = object{{nextVersion(in.Newest), objectOf(all[n]).number("version")}}
		}
		return p, err
	})
	a.about = "Events of an entity; get_event tells all of one"
	return a, err
}

// nextVersion is the argument that goes on with a version.
func nextVersion(newest bool) string {
	if newest {
		return "to_version"
	}
	return "from_version"
}

type getEvent struct {
	Type    string `json:"type" jsonschema:"The entity's type."`
	ID      string `json:"id" jsonschema:"The entity's id."`
	Version int64  `json:"version" jsonschema:"The event's version."`
	Path    string `json:"path,omitempty" jsonschema:"Only this part of the payload, as a JSON pointer such as /lines/3."`
	Offset  int    `json:"offset,omitempty" jsonschema:"Go on behind so many members, or characters of a text, as next of an earlier answer says."`
}

func (s *server) getEvent(ctx context.Context, in getEvent) (answer, error) {
	v, err := s.get(ctx, "events", values("type", in.Type, "id", in.ID, "from", digits(in.Version), "to", digits(in.Version)))
	if err != nil {
		return answer{}, err
	}
	all := objectOf(v).list("items")
	if len(all) == 0 {
		return answer{}, fmt.Errorf("the entity has no event of version %d: list_events tells which it has", in.Version)
	}
	e := objectOf(all[0])
	return windowed("An event of an entity", e.without("payload"), "payload", e.get("payload"), in.Path, in.Offset)
}
