package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"runtime/pprof"
	"strings"
	"time"
)

// options is what the flags say.
type options struct {
	row      string
	quick    bool
	markdown bool
	profile  string
	dir      string
	rounds   int
	each     time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.row, "row", "", "measure the rows with this `name` alone; several are separated by commas")
	flags.BoolVar(&o.quick, "quick", false, "one short round each, to see that everything works; judges nothing")
	flags.BoolVar(&o.markdown, "markdown", false, "print the table as markdown")
	flags.StringVar(&o.profile, "cpuprofile", "", "write a CPU profile to this `file`, and that of a server process to file.server; baselines are not run, and nothing is judged")
	flags.StringVar(&o.dir, "dir", os.TempDir(), "make the temporary data in this `folder`; it must be on a disk, not in memory")
	flags.IntVar(&o.rounds, "rounds", 5, "measure each side so many `times`")
	flags.DurationVar(&o.each, "duration", 2*time.Second, "measure for so long each time")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 || o.rounds < 1 || o.each <= 0 {
		return o, fmt.Errorf("%s: flags only, -rounds from 1, -duration above zero", strings.Join(args, " "))
	}
	if o.quick {
		o.rounds, o.each = 1, 200*time.Millisecond
	}
	return o, nil
}

// command is the whole program: 0 means that no first step was missed, 1 that
// one was or could not be measured, and 2 that the flags are wrong.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	progress := log.New(stderr, "", 0)
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var chosen []row
	if err == nil {
		chosen, err = choose(o.row)
	}
	if err != nil {
		progress.Print(err)
		return 2
	}
	results, err := profiled(o.profile, func() ([]result, error) { return measureAll(ctx, o, chosen, progress) })
	if err == nil {
		_, err = io.WriteString(stdout, table(results, o.markdown))
	}
	if err != nil {
		progress.Print(err)
		return 1
	}
	if o.quick || o.profile != "" {
		return 0
	}
	return verdict(results)
}

func profiled(path string, measure func() ([]result, error)) (results []result, err error) {
	if path == "" {
		return measure()
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("write profile: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("start profile: %w", err)
	}
	defer pprof.StopCPUProfile()
	return measure()
}

func measureAll(ctx context.Context, o options, chosen []row, progress *log.Logger) (results []result, err error) {
	dir, err := os.MkdirTemp(o.dir, "talix-bench-")
	if err != nil {
		return nil, fmt.Errorf("make temporary folder: %w: choose another place with -dir", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := describe(ctx, progress, dir); err != nil {
		return nil, err
	}
	for _, r := range chosen {
		progress.Printf("%s …", r.name)
		res, err := measure(ctx, r, o, dir)
		if err != nil {
			return nil, fmt.Errorf("measure %s: %w", r.name, err)
		}
		results = append(results, res)
	}
	return results, nil
}
