package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"strconv"
	"strings"
)

func runCommand() command {
	return command{
		name: "run", args: "name [id] [name=value… | json | -]", about: "Run a command, an HTTP action or a workflow",
		more: `A command runs on an entity, and a workflow under an id: that is the second
argument. Values are named as in amount=5, or the input is one JSON document, or
comes from the standard input with -.

  talix run account.deposit alice amount=5
  talix run account.deposit alice '{"amount": 5}'
  talix run POST /accounts/alice/deposits amount=5
  talix run transfer t-1 from=alice to=bob amount=5

What is run twice has its effect twice, unless both are given the same --key.
With --dry-run a command is decided, and nothing is stored.`,
		plan: planRun,
	}
}

func planRun(f *flag.FlagSet) run {
	key := f.String("key", "", "`text` under which this has its effect once, however often it is run")
	dry := f.Bool("dry-run", false, "tell what a command would lead to, and store nothing")
	header := headerFlag(f)
	return remote(f, func(ctx context.Context, s *session) error {
		r, params, rest, err := s.find(ctx, s.args, "command", "action", "workflow")
		if err != nil {
			return err
		}
		in := runRequest{Kind: r.Kind, Name: r.Name, Key: *key, Params: params, Header: *header}
		if r.NeedsID {
			if len(rest) == 0 {
				return misused("%s needs an id: talix run %s id …", r.Name, r.Name)
			}
			in.ID, rest = rest[0], rest[1:]
		}
		rest, named, err := r.named(rest, in.Params)
		if err != nil {
			return err
		}
		if in.Input, err = s.input(rest, named); err != nil {
			return err
		}
		if *dry {
			return s.preview(ctx, in)
		}
		return s.run(ctx, in)
	})
}

// headerFlag collects headers.
func headerFlag(f *flag.FlagSet) *map[string]string {
	all := map[string]string{}
	f.Func("header", "`name:value` that an HTTP action or query gets, as for authentication; may be given again", func(text string) error {
		name, value, ok := strings.Cut(text, ":")
		if !ok || name == "" {
			return errors.New("write a header as in Authorization:Bearer …")
		}
		all[name] = strings.TrimSpace(value)
		return nil
	})
	return &all
}

// run runs something, and tells what came of it.
func (s *session) run(ctx context.Context, in runRequest) error {
	answer, err := s.answer(ctx, in)
	if err != nil {
		return err
	}
	if !s.json {
		say(s.Stdout, "%s\n", pretty([]byte(answer.Body)))
		s.note("done in %s%s", took(answer.Duration), answer.flow())
	}
	return nil
}

func (a *runAnswer) flow() string {
	if a.Correlation == "" {
		return ""
	}
	return "; talix flow " + a.Correlation + " tells what it led to"
}

// answer runs something. With --json it writes the whole answer, also of what
// was refused.
func (s *session) answer(ctx context.Context, in runRequest) (answer runAnswer, err error) {
	data, err := s.post(ctx, "run", in, &answer)
	if err != nil {
		return answer, err
	}
	if s.json {
		s.pass(data)
	}
	if !answer.OK {
		return answer, &told{answer.failure()}
	}
	return answer, nil
}

func (a *runAnswer) failure() error {
	if a.Problem != nil {
		return a.Problem
	}
	return errors.New("it was answered with the status " + strconv.Itoa(a.Status) + ": " + short(plain(a.Body), widest))
}

// previewed is what a command would lead to.
type previewed struct {
	Reply   json.RawMessage
	Version int64
	Events  []struct {
		Type    string
		Version int64
		Payload json.RawMessage
		State   json.RawMessage
		Fault   string
	}
}

func (s *session) preview(ctx context.Context, in runRequest) error {
	if in.Kind != "command" {
		return misused("--dry-run is for commands; %s is of kind %s", in.Name, in.Kind)
	}
	var p previewed
	data, err := s.post(ctx, "preview", struct {
		Name  string          `json:"name"`
		ID    string          `json:"id"`
		Input json.RawMessage `json:"input,omitempty"`
	}{in.Name, in.ID, in.Input}, &p)
	if err != nil {
		return err
	}
	return s.show(data, func() {
		t := newTable("VERSION", "EVENT", "DATA")
		for _, e := range p.Events {
			t.row(strconv.FormatInt(e.Version, 10), e.Type, string(e.Payload))
		}
		s.table(t, "it would lead to no events")
		if n := len(p.Events); n > 0 && p.Events[n-1].Fault == "" {
			say(s.Stdout, "\nstate %s\n", pretty(p.Events[n-1].State))
		}
		say(s.Stdout, "\nreply %s\n", pretty(p.Reply))
		s.note("nothing was stored")
	})
}
