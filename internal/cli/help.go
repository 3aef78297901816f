package cli

import (
	"flag"
	"io"
	"strings"
	"text/tabwriter"
)

const about = `talix moves the data of talix programs and looks after it. Stop the program that
works on a store before.

Usage: talix <command> [flags]

Commands:
`

const codes = `
A command ends with 0 if it did what it was asked for, 1 if it could not or was
interrupted, 2 if it was not understood, and 3 if what it compared is not the
same. What was interrupted can be gone on with.

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
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, c := range commands() {
		say(table, "  %s\t%s\n", c.name, c.about)
	}
	_ = table.Flush() // as say
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
