package cli

import (
	"context"
	"encoding/json"
	"flag"
	"strconv"
	"time"
)

func eventsCommand() command {
	return command{
		name: "events", args: "type id", about: "List the events of an entity",
		more: `They come in the order of their versions, as they are stored.`,
		plan: planEvents,
	}
}

func planEvents(f *flag.FlagSet) run {
	from := f.Int64("from", 0, "begin with this `version`")
	to := f.Int64("to", 0, "end with this `version`")
	limit := f.Int("limit", 100, "at most so many `events`, up to 1000")
	reverse := f.Bool("reverse", false, "the newest first")
	reveal := revealFlag(f)
	return remote(f, func(ctx context.Context, s *session) error {
		entityType, id, err := s.entity()
		if err != nil {
			return err
		}
		query := values("type", entityType, "id", id, "max", strconv.Itoa(*limit), "from", nonzero(*from), "to", nonzero(*to))
		if *reverse {
			query.Set("reverse", "true")
		}
		var page struct{ Items []event }
		data, err := s.look(ctx, *reveal, "events", query,
			"events", entityPart{Type: entityType, ID: id, First: *from, Last: *to, Reverse: *reverse, Max: *limit}, &page)
		if err != nil {
			return err
		}
		return s.show(data, func() { s.listEvents(page.Items, *limit) })
	})
}

// event is an event as it is stored.
type event struct {
	Type        string
	EntityType  string
	EntityID    string
	Version     int64
	Time        time.Time
	Correlation string
	Payload     json.RawMessage
}

func (s *session) listEvents(all []event, limit int) {
	t := newTable("VERSION", "TIME", "TYPE", "DATA")
	for _, e := range all {
		t.row(strconv.FormatInt(e.Version, 10), stamp(e.Time), e.Type, string(e.Payload))
	}
	s.table(t, "there are no events")
	if len(all) == limit {
		s.note("these are the first %d; --from and --to tell which others are wanted", limit)
	}
}

// entity is the entity that the arguments name.
func (c *call) entity() (entityType, id string, err error) {
	if len(c.args) != 2 {
		return "", "", misused("there are %d arguments: name the type and the id of an entity, as in account alice", len(c.args))
	}
	return c.args[0], c.args[1], nil
}

// nonzero writes a number that is given.
func nonzero(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}
