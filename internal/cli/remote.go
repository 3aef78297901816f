package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"

	"github.com/talix-dev/talix/internal/admin"
)

// session is a call of a command that asks a running program.
type session struct {
	*call
	admin *admin.Client
}

// remote adds the flags that say which program is asked, and makes a command of
// what asks it.
func remote(f *flag.FlagSet, do func(ctx context.Context, s *session) error) run {
	address := f.String("admin", "", "`address` of the program's console; if not given, TALIX_ADMIN, or "+admin.Default)
	token := f.String("admin-token", "", "`secret` that the console asks for; better in TALIX_ADMIN_TOKEN, which other users of the machine cannot read")
	return func(ctx context.Context, c *call) error {
		client, err := admin.New(cmp.Or(*address, c.getenv("TALIX_ADMIN"), admin.Default), cmp.Or(*token, c.getenv("TALIX_ADMIN_TOKEN")))
		if err != nil {
			return &misuse{err.Error()}
		}
		defer client.Close()
		c.remote = true
		return do(ctx, &session{c, client})
	}
}

func (c *call) getenv(name string) string {
	if c.Getenv == nil {
		return ""
	}
	return c.Getenv(name)
}

// get reads what is at a path into out, and gives it as it came.
func (s *session) get(ctx context.Context, path string, query url.Values, out any) (json.RawMessage, error) {
	data, err := s.admin.Get(ctx, path, query)
	if err != nil {
		return nil, err
	}
	return data, read(data, out)
}

// post has something done, and reads what came of it into out.
func (s *session) post(ctx context.Context, path string, in, out any) (json.RawMessage, error) {
	data, err := s.admin.Post(ctx, path, in)
	if err != nil {
		return nil, err
	}
	return data, read(data, out)
}

// revealFlag is for what holds personal values.
func revealFlag(f *flag.FlagSet) *bool {
	return f.Bool("reveal", false, "show what is personal too; the program logs who asked for it")
}

// look gets what is at a path or, with what is personal, what is answered to
// in at the path below reveal.
func (s *session) look(ctx context.Context, reveal bool, path string, query url.Values, revealed string, in, out any) (json.RawMessage, error) {
	if reveal {
		return s.post(ctx, "reveal/"+revealed, in, out)
	}
	return s.get(ctx, path, query, out)
}

func read(data []byte, out any) error {
	if err := json.Unmarshal(data, out); err != nil {
		return fmt.Errorf("read the program's answer: %w: is it of another release than this talix?", err)
	}
	return nil
}

// show writes an answer as it came, or else has it written for people.
func (s *session) show(data json.RawMessage, people func()) error {
	if s.json {
		s.pass(data)
		return nil
	}
	people()
	return nil
}

// pass writes a document as it came, but for its indentation.
func (c *call) pass(data json.RawMessage) {
	var b bytes.Buffer
	_ = json.Indent(&b, data, "", "  ") // it is JSON
	say(c.Stdout, "%s\n", &b)
}

// pretty indents JSON, and leaves the lines of other texts as they are.
func pretty(data []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, data, "", "  ") != nil {
		return safe(string(data))
	}
	return safe(b.String())
}

// did tells that something was done.
func (s *session) did(data json.RawMessage, format string, args ...any) error {
	return s.show(data, func() { say(s.Stdout, format+"\n", args...) })
}

// values makes a query of names and values in turn; empty values are left out.
func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			v.Set(pairs[i], pairs[i+1])
		}
	}
	return v
}

// yesFlag is for what cannot be taken back.
func yesFlag(f *flag.FlagSet) *bool {
	return f.Bool("yes", false, "do what cannot be taken back, such as skip")
}

// sure refuses what cannot be taken back and was not confirmed.
func sure(yes bool, format string, args ...any) error {
	if yes {
		return nil
	}
	return misused("%s; add --yes if that is what you want", fmt.Sprintf(format, args...))
}

// verb is what a command does by its first argument.
type verb struct {
	name string
	args []string // what it needs, such as "ID"; the last one, in dots, is for more
	do   func(ctx context.Context, s *session, args []string) error
}

// verbs does what the first argument says; with none, the first verb.
func verbs(all ...verb) func(ctx context.Context, s *session) error {
	return func(ctx context.Context, s *session) error {
		if len(s.args) == 0 {
			return all[0].do(ctx, s, nil)
		}
		for _, v := range all {
			if v.name == s.args[0] {
				return v.run(ctx, s, s.args[1:])
			}
		}
		return misused("there is no %q here", s.args[0])
	}
}

func (v verb) run(ctx context.Context, s *session, args []string) error {
	many := len(v.args) > 0 && v.args[len(v.args)-1] == "…"
	need := len(v.args)
	if many {
		need--
	}
	if len(args) < need || len(args) > need && !many {
		return misused("%s takes %d arguments, not %d", v.name, need, len(args))
	}
	return v.do(ctx, s, args)
}
