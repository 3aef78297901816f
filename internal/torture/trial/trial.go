// Package trial tortures a cluster of the bank: clients at work, faults by a
// script that a seed decides, and in the end a proof that nothing was lost,
// repeated or told wrongly.
package trial

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/process"
	"github.com/talix-dev/talix/internal/torture/fault"
	"github.com/talix-dev/talix/internal/torture/load"
	"github.com/talix-dev/talix/internal/torture/mutation"
	"github.com/talix-dev/talix/internal/torture/proof"
	"github.com/talix-dev/talix/internal/torture/rig"
)

// Config says what to do. Zero takes the defaults named.
type Config struct {
	// Nodes is how many there are. Defaults to 3.
	Nodes int
	// Time is how long faults follow each other; the last one ends in order.
	// Defaults to a minute.
	Time time.Duration
	// Seed decides which faults come when, and what clients ask for.
	Seed uint64
	// Faults are names; none: all.
	Faults []string
	// Groups has clients ask for groups of commands too.
	Groups bool
	// Mutation is the name of a fault that the nodes are built with, which the
	// checks have to find; empty: none.
	Mutation string
	// Log is told how it goes on.
	Log func(format string, args ...any)
	// Dir gets the history and what processes wrote, if there are problems.
	// Defaults to a new one below that for temporary files.
	Dir string
	// Keep has it get them in any case.
	Keep bool
}

func (c *Config) defaults() {
	if c.Nodes == 0 {
		c.Nodes = 3
	}
	if c.Time == 0 {
		c.Time = time.Minute
	}
	if c.Log == nil {
		c.Log = func(string, ...any) {}
	}
}

// trial is one at work.
type trial struct {
	cfg    Config
	faults []fault.Fault
	mixed  bool
	rng    *rand.Rand
	report *Report
	rig    *rig.Rig
	load   *load.Load
	sink   *proof.Sink
}

// node is the program that is tortured.
const node = "./internal/torture/testdata/node"

// Run tortures a cluster of its own. An error is one of the harness: what is
// wrong with the cluster is in the report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	cfg.defaults()
	faults, mixed, err := fault.Named(cfg.Faults)
	if err != nil {
		return nil, err
	}
	program, err := build(ctx, cfg.Mutation)
	if err != nil {
		return nil, err
	}
	if cfg.Dir == "" {
		cfg.Dir, err = os.MkdirTemp("", fmt.Sprintf("talix-torture-%d-", cfg.Seed))
	} else {
		err = os.MkdirAll(cfg.Dir, 0o700)
	}
	if err != nil {
		return nil, fmt.Errorf("make folder for what is written: %w", err)
	}
	t := &trial{
		cfg: cfg, faults: faults, mixed: mixed, rng: rand.New(rand.NewPCG(cfg.Seed, 0)),
		report: &Report{Seed: cfg.Seed, Dir: cfg.Dir}, sink: proof.NewSink(),
	}
	if err := t.run(ctx, program); err != nil {
		return nil, fmt.Errorf("%w\nwhat processes wrote is in %s", err, cfg.Dir)
	}
	if t.keeps() {
		return t.report, nil
	}
	return t.report, os.RemoveAll(cfg.Dir)
}

// build compiles the nodes.
func build(ctx context.Context, mutated string) (*process.Program, error) {
	source := process.Source{Package: node}
	if mutated != "" {
		m, err := mutation.Named(mutated)
		if err != nil {
			return nil, err
		}
		root, err := process.Root()
		if err != nil {
			return nil, err
		}
		if source.Overlay, err = m.Overlay(root); err != nil {
			return nil, err
		}
	}
	return process.Build(ctx, source)
}

func (t *trial) run(ctx context.Context, program *process.Program) (err error) {
	url, stop, err := serve(ctx, t.sink)
	if err != nil {
		return err
	}
	defer stop()
	t.cfg.Log("seed %d: starting PostgreSQL and %d nodes", t.cfg.Seed, t.cfg.Nodes)
	t.rig, err = rig.New(ctx, rig.Config{Nodes: t.cfg.Nodes, Program: program, Sink: url, Dir: t.cfg.Dir})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.rig.Close()) }()
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	t.load = load.Start(working, load.Config{Target: t.rig, Seed: t.cfg.Seed, Groups: t.cfg.Groups})
	broken := t.torture(ctx)
	if broken != nil {
		t.problem("%v", broken)
	}
	t.finish(ctx, cancel)
	return t.prove(ctx)
}

// serve serves a handler on a free port of this machine.
func serve(ctx context.Context, h http.Handler) (url string, stop func(), err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, fmt.Errorf("serve the sink: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(listener) // it ends by being closed
	}()
	return "http://" + listener.Addr().String(), func() {
		_ = server.Close() // nothing is under way
		<-ended
	}, nil
}

func (t *trial) problem(format string, args ...any) {
	t.report.Problems = append(t.report.Problems, fmt.Sprintf(format, args...))
}

// torture lets one fault follow another. An error is that the cluster did not
// get over one.
func (t *trial) torture(ctx context.Context) error {
	if err := t.settle(ctx); err != nil {
		return err
	}
	t.load.Pauses.Take()
	var bag []fault.Fault
	for end := time.Now().Add(t.cfg.Time); time.Now().Before(end) && ctx.Err() == nil; {
		if len(bag) == 0 {
			bag = t.shuffled()
		}
		f := bag[0]
		bag = bag[1:]
		if err := t.suffer(ctx, f); err != nil {
			return err
		}
		if !rest(ctx, time.Second) {
			break
		}
		t.report.note("none", 0, t.load.Pauses.Take())
	}
	return ctx.Err()
}

// shuffled is each fault once.
func (t *trial) shuffled() []fault.Fault {
	bag := append([]fault.Fault(nil), t.faults...)
	if t.mixed {
		bag = append(bag, fault.Mix(t.rng), fault.Mix(t.rng), fault.Mix(t.rng))
	}
	t.rng.Shuffle(len(bag), func(i, k int) { bag[i], bag[k] = bag[k], bag[i] })
	return bag
}

// suffer breaks something, mends it, and waits until everything goes on.
func (t *trial) suffer(ctx context.Context, f fault.Fault) error {
	lasts, mend, err := f.Begin(ctx, t.rig, t.rng)
	if err != nil {
		return err
	}
	rest(ctx, lasts)
	name, goal := f.Name, f.Goal
	if f.Back != "" {
		if err := t.settle(ctx); err != nil { // what is found in the end is not to be this fault's alone
			return errors.Join(fmt.Errorf("%s: %w", f.Name, err), mend(ctx))
		}
		t.note(name, goal, lasts)
		name, goal = f.Back, f.BackGoal
	}
	if err := mend(ctx); err != nil {
		return fmt.Errorf("mend %s: %w", f.Name, err)
	}
	if err := t.rig.Ready(ctx); err != nil {
		return fmt.Errorf("mend %s: %w", f.Name, err)
	}
	if err := t.settle(ctx); err != nil {
		return fmt.Errorf("mend %s: %w", f.Name, err)
	}
	t.note(name, goal, lasts)
	return nil
}

func (t *trial) note(name string, goal, lasts time.Duration) {
	longest := t.load.Pauses.Take()
	t.report.note(name, goal, longest)
	t.cfg.Log("%-16s %5.1f s, the longest pause %5.2f s", name, lasts.Seconds(), longest.Seconds())
}

// settleWithin bounds how long partitions may go without an answer: a machine
// may be slow, but not for ever.
const settleWithin = 90 * time.Second

// followWithin bounds how long what follows from requests may take: work that was
// written by a commit of unknown outcome is looked for once a minute, and what
// failed is tried again after a minute at most.
const followWithin = 150 * time.Second

// settle waits until all probers have been answered again, twice.
func (t *trial) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	for range 2 {
		now := time.Now()
		if err := process.Poll(ctx, func() error {
			if !t.load.Pauses.Since(now) {
				return errors.New("some partitions do not answer")
			}
			return nil
		}); err != nil {
			return err
		}
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// finish has the clients ask until they know what became of each request.
func (t *trial) finish(ctx context.Context, giveUp context.CancelFunc) {
	t.cfg.Log("waiting for the last answers")
	bounded, cancel := context.WithTimeout(ctx, settleWithin)
	defer cancel()
	stop := context.AfterFunc(bounded, giveUp)
	defer stop()
	t.load.Stop(bounded)
}

// prove checks everything, and keeps the history if something is wrong.
func (t *trial) prove(ctx context.Context) error {
	ops := t.load.History.Ops()
	log, err := t.converge(ctx, ops)
	if err != nil {
		return err
	}
	t.report.Requests, t.report.Events = len(ops), len(log.Events)
	t.cfg.Log("checking %d requests and %d events", len(ops), len(log.Events))
	for _, problems := range [][]string{
		t.load.History.Problems(), unknown(ops), proof.Linear(ctx, ops, log, t.cfg.Dir), proof.Once(ops, log), proof.Dense(log),
		proof.Views(log), proof.Effects(log, t.sink), t.answers(ctx, log),
	} {
		t.report.Problems = append(t.report.Problems, problems...)
	}
	if !t.keeps() {
		return nil
	}
	return t.keep()
}

func (t *trial) keeps() bool { return t.cfg.Keep || len(t.report.Problems) > 0 }

func (t *trial) keep() error {
	f, err := os.Create(filepath.Join(t.cfg.Dir, "history.jsonl"))
	if err != nil {
		return err
	}
	var text strings.Builder
	t.report.Write(&text)
	return errors.Join(t.load.History.Write(f), f.Close(), os.WriteFile(filepath.Join(t.cfg.Dir, "report.txt"), []byte(text.String()), 0o600))
}

// unknown: in the end, each request was answered.
func unknown(ops []load.Op) (problems []string) {
	n := 0
	for _, op := range ops {
		if op.Outcome == load.Unknown {
			n++
		}
	}
	if n > 0 {
		problems = append(problems, fmt.Sprintf("%d requests were not answered within %v after the last fault", n, settleWithin))
	}
	return problems
}

// converge reads the log when all that follows from it has come about, or does
// not come about.
func (t *trial) converge(ctx context.Context, ops []load.Op) (log *proof.Log, err error) {
	bounded, cancel := context.WithTimeout(ctx, followWithin)
	defer cancel()
	for began := time.Now(); ; {
		if log, err = proof.ReadLog(ctx, t.rig.Server().DSN()); err != nil {
			return nil, err
		}
		left := len(proof.Views(log)) + len(proof.Effects(log, t.sink)) + len(proof.Moving(log)) + len(proof.Once(ops, log))
		if left == 0 || !rest(bounded, 500*time.Millisecond) {
			t.cfg.Log("what follows has come about within %.1f s", time.Since(began).Seconds())
			return log, nil
		}
	}
}

// answers: each node tells of accounts what the log has.
func (t *trial) answers(ctx context.Context, log *proof.Log) (problems []string) {
	for _, n := range t.rig.Nodes() {
		asked := 0
		for id, want := range log.Fold() {
			if asked++; asked > 50 {
				break
			}
			var got load.Balance
			if err := t.load.Get(ctx, n.URL()+"/accounts/"+id, &got); err != nil {
				problems = append(problems, err.Error())
			} else if got.Balance != want.Balance || got.Version != want.Version {
				problems = append(problems, fmt.Sprintf("node %s says %+v of %s, the log has %+v", n.Name, got, id, want))
			}
		}
	}
	return problems
}
