package cli

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"strings"
)

func completionCommand() command {
	return command{
		name: "completion", args: "bash|zsh|fish", words: []string{"bash", "zsh", "fish"}, about: "Write a script that lets a shell complete talix commands",
		more: `For bash:  source <(talix completion bash)
For zsh:   talix completion zsh > "${fpath[1]}/_talix"
For fish:  talix completion fish > ~/.config/fish/completions/talix.fish`,
		plan: func(*flag.FlagSet) run {
			return func(_ context.Context, c *call) error {
				if len(c.args) != 1 {
					return misused("name a shell: bash, zsh or fish")
				}
				script, ok := map[string]func() string{"bash": bash, "zsh": zsh, "fish": fish}[c.args[0]]
				if !ok {
					return misused("there is no script for %q: name bash, zsh or fish", c.args[0])
				}
				say(c.Stdout, "%s", script())
				return nil
			}
		},
	}
}

// flagsOf are the flags of a command.
func (c command) flagsOf() (names []string) {
	flags, _, _ := c.define(Env{})
	flags.VisitAll(func(f *flag.Flag) { names = append(names, "--"+f.Name) })
	return names
}

// wordsOf are what may stand behind a command.
func (c command) wordsOf() []string {
	return append(slices.Clone(c.words), c.flagsOf()...)
}

func names() (all []string) {
	for _, c := range commands() {
		all = append(all, c.name)
	}
	return append(all, "help")
}

func bash() string {
	var b strings.Builder
	fmt.Fprintf(&b, "_talix() {\n\tlocal words=\"%s\"\n\tcase \"${COMP_WORDS[1]}\" in\n", strings.Join(names(), " "))
	for _, c := range commands() {
		fmt.Fprintf(&b, "\t%s) ((COMP_CWORD > 1)) && words=\"%s\" ;;\n", c.name, strings.Join(c.wordsOf(), " "))
	}
	b.WriteString("\tesac\n\tCOMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\ncomplete -o default -F _talix talix\n")
	return b.String()
}

func zsh() string {
	return "#compdef talix\nautoload -U +X bashcompinit && bashcompinit\n" + bash()
}

func fish() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "complete -c talix -n __fish_use_subcommand -f -a %s -d '%s'\n", c.name, c.about)
		for _, w := range c.words {
			fmt.Fprintf(&b, "complete -c talix -n '__fish_seen_subcommand_from %s' -f -a %s\n", c.name, w)
		}
		for _, f := range c.flagsOf() {
			fmt.Fprintf(&b, "complete -c talix -n '__fish_seen_subcommand_from %s' -l %s\n", c.name, strings.TrimPrefix(f, "--"))
		}
	}
	return b.String()
}
