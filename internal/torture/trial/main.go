package trial

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/torture/fault"
	"github.com/talix-dev/talix/internal/torture/mutation"
)

// Main runs a trial as a program does, and returns its exit code: 0 if all checks
// passed, 1 if one did not, 2 if there was no trial.
func Main(ctx context.Context, args []string, out, problems io.Writer) int {
	cfg, goals, err := parse(args, problems)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		_, _ = fmt.Fprintln(problems, err)
		return 2
	}
	began := time.Now()
	cfg.Log = func(format string, args ...any) {
		_, _ = fmt.Fprintf(out, "%7.1f s  %s\n", time.Since(began).Seconds(), fmt.Sprintf(format, args...))
	}
	report, err := Run(ctx, cfg)
	if err != nil {
		_, _ = fmt.Fprintln(problems, err)
		return 2
	}
	_, _ = fmt.Fprintln(out)
	report.Write(out)
	if len(report.Problems) > 0 {
		_, _ = fmt.Fprintf(out, "the history and what processes wrote is in %s; run it again with\n  %s\n", report.Dir, again(cfg))
		return 1
	}
	if cfg.Keep {
		_, _ = fmt.Fprintf(out, "the history and what processes wrote is in %s\n", report.Dir)
	}
	if goals && report.missed() {
		return 1
	}
	return 0
}

func (r *Report) missed() bool {
	for _, p := range r.Pauses {
		if p.Over() {
			return true
		}
	}
	return false
}

func again(cfg Config) string {
	text := fmt.Sprintf("go run ./internal/torture --nodes %d --seconds %d --seed %d", cfg.Nodes, int(cfg.Time.Seconds()), cfg.Seed)
	if len(cfg.Faults) > 0 {
		text += " --faults " + strings.Join(cfg.Faults, ",")
	}
	if cfg.Groups {
		text += " --groups"
	}
	if cfg.Mutation != "" {
		text += " --mutate " + cfg.Mutation
	}
	return text
}

func parse(args []string, out io.Writer) (cfg Config, goals bool, err error) {
	flags := flag.NewFlagSet("torture", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&cfg.Nodes, "nodes", 3, "how many nodes there are")
	seconds := flags.Int("seconds", 60, "how long faults follow each other")
	flags.Uint64Var(&cfg.Seed, "seed", 0, "what decides the script; 0 takes one by chance")
	faults := flags.String("faults", "", "names, with commas between them: "+names()+"; empty: all")
	flags.StringVar(&cfg.Dir, "dir", "", "`folder` for the history and what processes wrote, if checks fail; empty: a new one")
	flags.StringVar(&cfg.Mutation, "mutate", "", "build the nodes with a `fault`, which the checks have to find: "+strings.Join(mutation.Names(), ", "))
	flags.BoolVar(&cfg.Groups, "groups", false, "ask for groups of commands too")
	flags.BoolVar(&cfg.Keep, "keep", false, "keep the history and what processes wrote in any case")
	flags.BoolVar(&goals, "goals", false, "fail if a pause is longer than its goal")
	if err := flags.Parse(args); err != nil {
		return cfg, false, err
	}
	if flags.NArg() > 0 {
		return cfg, false, fmt.Errorf("there is an argument %q, but this program takes flags only", flags.Arg(0))
	}
	cfg.Time = time.Duration(*seconds) * time.Second
	if cfg.Seed == 0 {
		cfg.Seed = rand.Uint64N(1_000_000)
	}
	if *faults != "" {
		cfg.Faults = strings.Split(*faults, ",")
	}
	return cfg, goals, nil
}

func names() string {
	var all []string
	for _, f := range fault.All() {
		all = append(all, f.Name)
	}
	return strings.Join(append(all, fault.Mixed), ", ")
}
