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
		data, err := s.get(ctx, "state", values("type", entityType, "id", id, "version", version, "time", then), &state)
		if err != nil {
			return err
		}
		return s.show(data, func() {
			say(s.Stdout, "%s %s at version %s\n%s\n", plain(entityType), plain(id), number(state.Version), pretty(state.State))
		})
	})
}

// momentOf is a version or a time, as the API takes it.
func momentOf(text string) (version, then string, err error) {
	if text == "" {
		return "", "", nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil && n > 0 {
		return text, "", nil
	}
	t, err := timeOf(text)
	if err != nil {
		return "", "", misused("--at %q: write a version from 1, or a time as in 2026-03-01T12:00:00Z or 2026-03-01", text)
	}
	return "", t.Format(time.RFC3339Nano), nil
}
