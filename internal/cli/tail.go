package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"net/http"
	"time"

	"github.com/talix-dev/talix/internal/admin"
)

func tailCommand() command {
	return command{
		name: "tail", args: "[type [id]]", about: "Follow the events of a program as they happen",
		more: `Each event is told once it is durable, in the order of each entity, until the
command is interrupted. If the program goes away, it waits for it and then goes on
where it was: no event is left out or told twice. With --json each event is a line
of JSON.`,
		plan: planTail,
	}
}

func planTail(f *flag.FlagSet) run {
	kind := f.String("event", "", "only events of this `type`")
	limit := f.Int("limit", 0, "end after so many `events`; 0: never")
	return remote(f, func(ctx context.Context, s *session) error {
		if len(s.args) > 2 {
			return misused("there are %d arguments: name the type and perhaps the id of an entity", len(s.args))
		}
		t := &tailing{session: s, left: *limit, query: []string{"event", *kind}}
		for i, arg := range s.args {
			t.query = append(t.query, [...]string{"type", "id"}[i], arg)
		}
		if err := t.follow(ctx); ctx.Err() == nil && !errors.Is(err, errEnough) {
			return err
		}
		return nil // it was wanted to end
	})
}

var errEnough = errors.New("enough events")

// tailing follows a log over the lives of its program.
type tailing struct {
	*session
	query  []string
	cursor string // of the last event that was told
	left   int    // events to tell
	lost   bool   // it was told that the program is away
	pause  time.Duration
}

// How long is waited for a program that is away.
const (
	pauseFirst = 100 * time.Millisecond
	pauseMost  = 5 * time.Second
)

// follow tells events until there were enough, or it can't go on.
func (t *tailing) follow(ctx context.Context) error {
	for {
		err := t.admin.Stream(ctx, "tail", values(t.query...), t.cursor, t.take)
		if ctx.Err() != nil || errors.Is(err, errEnough) || t.cursor == "" || refused(err) {
			return err
		}
		if !t.lost {
			t.lost = true
			t.note("talix tail: %v; waiting for the program", err)
		}
		t.pause = min(max(2*t.pause, pauseFirst), pauseMost)
		select {
		case <-time.After(t.pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// refused tells whether asking again is in vain.
func refused(err error) bool {
	p, ok := errors.AsType[*admin.Problem](err)
	return ok && p.Status != http.StatusServiceUnavailable && p.Status != http.StatusTooManyRequests
}

// take takes what the stream tells.
func (t *tailing) take(e admin.Event) error {
	t.cursor, t.pause = e.ID, 0
	if t.lost {
		t.lost = false
		t.note("talix tail: the program is back")
	}
	if e.Kind != "event" {
		return nil
	}
	if err := t.tell(e.Data); err != nil {
		return err
	}
	if t.left--; t.left == 0 {
		return errEnough
	}
	return nil
}

func (t *tailing) tell(data json.RawMessage) error {
	if t.json {
		say(t.Stdout, "%s\n", data)
		return nil
	}
	var e event
	if err := read(data, &e); err != nil {
		return err
	}
	say(t.Stdout, "%s  %s %s v%d  %s  %s\n", stamp(e.Time), plain(e.EntityType), plain(e.EntityID), e.Version, plain(e.Type), plain(string(e.Payload)))
	return nil
}
