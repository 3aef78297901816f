package cli

import (
	"flag"
	"io"
	"strings"
)

const about = `talix looks into talix programs, and moves their data.

Usage: talix <command> [flags]
`

// The groups of commands.
const (
	aboutLive = `
Commands that ask a running program, by the address of its --admin (TALIX_ADMIN)
and its --admin-token (TALIX_ADMIN_TOKEN):
`
	aboutStored = `
Commands that work on a store; stop the program that works on it before:
`
	aboutOther = `
Others:
`
)

const codes = `
A command ends with 0 if it did what it was asked for, 1 if it could not or was
interrupted, 2 if it was not understood or wants --yes, and 3 if what it compared
is not the same. A command on a store that was interrupted can be gone on with.

talix <command> --help tells more of a command.
`

// help answers talix help, for all commands or one.
func help(args []string, env Env) int {
	if len(args) == 0 {
		writeHelp(env.Stdout)
		return Done
	}
	c, ok := find(args[0])
	if !ok {
		say(env.Stderr, "talix: there is no command %q\n", args[0])
		return Misused
	}
	c.writeHelp(env.Stdout)
	return Done
}

func writeHelp(w io.Writer) {
	say(w, "%s", about)
	for _, group := range []struct {
		about    string
		commands []command
	}{{aboutLive, live()}, {aboutStored, stored()}, {aboutOther, others()}} {
		say(w, "%s", group.about)
		for _, c := range group.commands {
			say(w, "  %-12s%s\n", c.name, c.about)
		}
	}
	say(w, "%s", codes)
}

func (c command) writeHelp(w io.Writer) {
	flags, _, _ := c.define(Env{})
	say(w, "%s.\n\nUsage: talix %s\n\n%s\n\nFlags:\n", c.about, strings.TrimSpace(c.name+" [flags] "+c.args), c.more)
	flags.VisitAll(func(f *flag.Flag) {
		value, usage := flag.UnquoteUsage(f)
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "0" {
			usage += " (default " + f.DefValue + ")"
		}
		say(w, "  --%s\n        %s\n", strings.TrimSpace(f.Name+" "+value), usage)
	})
}
