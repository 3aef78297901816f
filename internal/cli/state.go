package cli

import (
	"context"
	"encoding/json"
	"flag"
	"strconv"
	"time"
)

func stateCommand() command {
	return command{
		name: "state", args: "type id", about: "Tell the state of an entity, now or then",
		more: `It is what the events up to then add up to, as the program's Apply methods are
now.`,
		plan: planState,
	}
}

func planState(f *flag.FlagSet) run {
	reveal := revealFlag(f)
	at := f.String("at", "", "the `moment`: a version as in 12, or a time as in 2026-03-01T12:00:00Z or 2026-03-01; now if not given")
	return remote(f, func(ctx context.Context, s *session) error {
		entityType, id, err := s.entity()
		if err != nil {
			return err
		}
		version, then, err := momentOf(*at)
		if err != nil {
			return err
		}
		var state struct {
			Version int64
			State   json.RawMessage
		}
		data, err := s.look(ctx, *reveal, "state", values("type", entityType, "id", id, "version", nonzero(version), "time", timeText(then)),
			"state", entityPart{Type: entityType, ID: id, Last: version, Time: then}, &state)
		if err != nil {
			return err
		}
		return s.show(data, func() {
			say(s.Stdout, "%s %s at version %s\n%s\n", plain(entityType), plain(id), number(state.Version), pretty(state.State))
		})
	})
}

// entityPart is a part of an entity's history, of which what is personal is
// wanted too.
type entityPart struct {
	Type    string    `json:"type"`
	ID      string    `json:"id"`
	First   int64     `json:"first,omitempty"`
	Last    int64     `json:"last,omitempty"`
	Time    time.Time `json:"time,omitzero"`
	Reverse bool      `json:"reverse,omitempty"`
	Max     int       `json:"max,omitempty"`
}

// momentOf is a version or a time; neither: now.
func momentOf(text string) (version int64, then time.Time, err error) {
	if text == "" {
		return 0, then, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return n, then, nil
	}
	if then, err = timeOf(text); err != nil {
		return 0, then, misused("--at %q: write a version from 1, or a time as in 2026-03-01T12:00:00Z or 2026-03-01", text)
	}
	return 0, then, nil
}

// timeText is a time as the API takes it in a query.
func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339Nano)
}
