package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/admin"
	"github.com/talix-dev/talix/internal/move"
)

func benchCommand() command {
	return command{
		name: "bench", args: "command [name=value… | json | -]", about: "Run a command again and again, and tell how fast that is",
		more: `  talix bench account.deposit amount=1 --callers 64 --for 10s --yes

The program runs the command itself, from so many callers at once: what is told is
the time from the call to the durable answer, without the network. It runs on new
entities, and what it leads to is stored and stays: actions and views follow it as
they follow all else.`,
		plan: planBench,
	}
}

// benchRequest says what is run how often.
type benchRequest struct {
	Name     string          `json:"name"`
	Input    json.RawMessage `json:"input,omitempty"`
	Callers  int             `json:"callers"`
	Entities int             `json:"entities,omitempty"`
	Prefix   string          `json:"prefix,omitempty"`
	Count    int64           `json:"count,omitempty"`
	Seconds  float64         `json:"seconds"`
}

func planBench(f *flag.FlagSet) run {
	yes := yesFlag(f)
	callers := f.Int("callers", 16, "`how many` run it at once, up to 1024")
	entities := f.Int("entities", 0, "on `how many` entities it is run in turn; as many as callers if not given")
	prefix := f.String("prefix", "", "`text` that the ids of these entities begin with; a new one if not given")
	seconds := f.Duration("for", 10*time.Second, "`how long`, up to 10m")
	limit := f.Int64("count", 0, "end after so many `runs`, if it is not too long; 0: never")
	return remote(f, func(ctx context.Context, s *session) error {
		r, _, rest, err := s.find(ctx, s.args, "command")
		if err != nil {
			return err
		}
		in := benchRequest{Name: r.Name, Callers: *callers, Entities: *entities, Prefix: *prefix, Count: *limit, Seconds: seconds.Seconds()}
		rest, named, err := r.named(rest, map[string]string{})
		if err != nil {
			return err
		}
		if in.Input, err = s.input(rest, named); err != nil {
			return err
		}
		if err := sure(*yes, "%s would be run for up to %v at %s, and its events stay for good", r.Name, *seconds, s.admin.URL()); err != nil {
			return err
		}
		return s.bench(ctx, in)
	})
}

// benched is how a bench went, so far.
type benched struct {
	Name                     string
	Prefix                   string
	Callers, Entities        int
	Runs, Failed             int64
	Seconds, PerSecond       float64
	P50, P90, P99, P999, Max float64
	Errors                   []struct {
		Code   string
		Count  int64
		Detail string
	}
}

var errBenched = errors.New("the bench has ended")

func (s *session) bench(ctx context.Context, in benchRequest) error {
	bar := s.bar()
	defer bar.end()
	var b benched
	var data json.RawMessage
	err := s.admin.PostStream(ctx, "bench", in, func(e admin.Event) error {
		b, data = benched{}, e.Data
		if err := read(data, &b); err != nil {
			return err
		}
		bar.at(move.Progress{Phase: "bench", Done: b.Runs, Total: in.Count, Unit: "runs"})
		if e.Kind == "result" {
			return errBenched
		}
		return nil
	})
	if !errors.Is(err, errBenched) {
		return err
	}
	bar.end()
	if err := s.show(data, func() { s.tellBench(&b) }); err != nil {
		return err
	}
	if b.Failed == b.Runs {
		return &told{fmt.Errorf("no run of %s went well", in.Name)}
	}
	return nil
}

func (s *session) tellBench(b *benched) {
	span := func(seconds float64) string { return took(time.Duration(seconds * float64(time.Second))) }
	say(s.Stdout, "%s by %s on %s, named %s…\n\n", plain(b.Name), count(b.Callers, "caller", "callers"), count(b.Entities, "entity", "entities"), plain(b.Prefix))
	say(s.Stdout, "runs     %s in %s\n", number(b.Runs), span(b.Seconds))
	say(s.Stdout, "rate     %s/s\n", number(int64(b.PerSecond)))
	say(s.Stdout, "took     half %s, 90%% %s, 99%% %s, 99.9%% %s, longest %s\n", span(b.P50), span(b.P90), span(b.P99), span(b.P999), span(b.Max))
	for _, e := range b.Errors {
		say(s.Stdout, "failed   %s: %s (%s)\n", number(e.Count), short(plain(e.Detail), widest), e.Code)
	}
}
