// Package cli is the talix command line: one file for each command. What a
// command needs of the outside is handed in, so that commands meet no driver
// and can be tested.
//
// To add a command, write a function in a file of its own that returns it, and
// name it in commands.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/admin"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/store"
)

// The codes with which a command ends.
const (
	Done      = 0 // it did what it was asked for
	Failed    = 1 // it could not, or was interrupted
	Misused   = 2 // it was not understood
	Different = 3 // what it compared is not the same
)

// Env is the outside of a command. Stdout, Stderr, Open and Now are needed.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Open opens the store at a place: a folder, or the URL of a database.
	// Existing: it fails with store.ErrMissing instead of making one.
	Open func(ctx context.Context, place string, existing bool) (store.Store, error)
	Now  func() time.Time
	// Version is the release that the command is of, and Source the folder that
	// it was built from; empty if not known.
	Version, Source string
	// Getenv reads a variable of the environment. Nil: there are none.
	Getenv func(name string) string
}

// commands are all of them, in the order of help.
func commands() []command { return slices.Concat(live(), stored(), others()) }

// live are those that ask a running program.
func live() []command {
	return []command{
		lsCommand(), stateCommand(), eventsCommand(), runCommand(), queryCommand(), tailCommand(), flowCommand(),
		parkedCommand(), timersCommand(), workflowsCommand(), viewsCommand(), clusterCommand(), benchCommand(), mcpCommand(),
	}
}

// stored are those that work on a store, while no program does.
func stored() []command {
	return []command{exportCommand(), importCommand(), copyCommand(), verifyCommand(), doctorCommand()}
}

func others() []command { return []command{newCommand(), completionCommand()} }

// command is one command. Its flags are defined anew for each call.
type command struct {
	name  string
	args  string   // what follows its flags, as in "[file]"
	words []string // that may be its first argument
	about string   // one line
	more  string   // paragraphs
	plan  func(f *flag.FlagSet) run
}

// run does what a command is for, once its flags were read.
type run func(ctx context.Context, c *call) error

// call is one call of a command.
type call struct {
	Env
	args  []string
	json  bool
	quiet bool
	// remote: a program is asked, which may go on with what was begun.
	remote bool
	ids    *id.Source
}

// misuse is an error of who called the command.
type misuse struct{ text string }

func (m *misuse) Error() string { return m.text }

// told is an error of which all was written as JSON already.
type told struct{ error }

func (t *told) Unwrap() error { return t.error }

func misused(format string, args ...any) error { return &misuse{fmt.Sprintf(format, args...)} }

// Run runs the command that args name, and returns the code to end with. When
// ctx ends, so does the command, in a state from which it can be gone on with.
func Run(ctx context.Context, args []string, env Env) int {
	if len(args) == 0 {
		writeHelp(env.Stderr)
		return Misused
	}
	if asksHelp(args[0]) {
		return help(args[1:], env)
	}
	c, ok := find(args[0])
	if !ok {
		say(env.Stderr, "talix: there is no command %q; talix help lists them\n", args[0])
		return Misused
	}
	return c.run(ctx, args[1:], env)
}

func asksHelp(arg string) bool {
	return arg == "help" || arg == "--help" || arg == "-h" || arg == "-help"
}

func find(name string) (command, bool) {
	for _, c := range commands() {
		if c.name == name {
			return c, true
		}
	}
	return command{}, false
}

func (c command) run(ctx context.Context, args []string, env Env) int {
	flags, do, call := c.define(env)
	err := call.parse(flags, args)
	if errors.Is(err, flag.ErrHelp) {
		c.writeHelp(env.Stdout)
		return Done
	}
	if err == nil {
		err = do(ctx, call)
	}
	return call.end(ctx, c.name, err)
}

// define makes the flags of a command, those that all have among them.
func (c command) define(env Env) (*flag.FlagSet, run, *call) {
	call := &call{Env: env, ids: id.NewSource(env.Now)}
	flags := flag.NewFlagSet("talix "+c.name, flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	do := c.plan(flags)
	flags.BoolVar(&call.json, "json", false, "write what came of it as JSON")
	flags.BoolVar(&call.quiet, "quiet", false, "do not tell how far it is")
	return flags, do, call
}

// parse reads flags, which may stand before, between and behind arguments.
func (c *call) parse(flags *flag.FlagSet, args []string) error {
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return err
			}
			return misused("%v", err)
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return nil
		}
		c.args, args = append(c.args, rest[0]), rest[1:]
	}
}

// end tells how a command ended.
func (c *call) end(ctx context.Context, name string, err error) int {
	if err == nil {
		return Done
	}
	if _, was := errors.AsType[*told](err); c.json && !was {
		c.write(failure(err))
	}
	if ctx.Err() != nil {
		say(c.Stderr, "talix %s: interrupted%s\n", name, c.goOn(name))
		return Failed
	}
	say(c.Stderr, "talix %s: %s\n", name, safe(strings.TrimPrefix(err.Error(), name+": ")))
	switch _, wrong := errors.AsType[*misuse](err); {
	case wrong:
		say(c.Stderr, "talix %s --help tells more\n", name)
		return Misused
	case errors.Is(err, move.ErrDifferent):
		return Different
	}
	return Failed
}

func (c *call) goOn(name string) string {
	switch {
	case c.remote:
		return "; the program may still do what it was asked for"
	case name == "export":
		return "; the same command goes on from here, with --resume"
	}
	return "; the same command goes on from here"
}

// say writes to people. What cannot be written, nobody can be told.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// failed is an error as JSON.
type failed struct {
	Error      string      `json:"error"`
	Code       string      `json:"code,omitempty"` // of what a program refused
	Difference *difference `json:"difference,omitempty"`
}

type difference struct {
	Entity   string        `json:"entity"`
	EntityID string        `json:"entityId"`
	Version  store.Version `json:"version"`
	What     string        `json:"what"`
}

func failure(err error) failed {
	f := failed{Error: err.Error()}
	if d, ok := errors.AsType[*move.Difference](err); ok {
		f.Difference = &difference{d.Stream.Type, d.Stream.ID, d.Version, d.What}
	}
	if p, ok := errors.AsType[*admin.Problem](err); ok {
		f.Code = p.Code
	}
	return f
}

// tell writes what came of a command: v as JSON, or else the text.
func (c *call) tell(v any, format string, args ...any) {
	if c.json {
		c.write(v)
		return
	}
	say(c.Stdout, format+"\n", args...)
}

func (c *call) write(v any) {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		panic(err) // they are plain values
	}
	say(c.Stdout, "%s\n", data)
}
