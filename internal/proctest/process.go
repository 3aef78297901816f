package proctest

import (
	"testing"

	"github.com/talix-dev/talix/internal/process"
)

// Program is a compiled main package.
type Program struct {
	// Path is its file.
	Path string
}

// Build compiles a main package, named by its folder below the module's root as
// in "./examples/bank", with the race detector if the test has it too. The file
// is kept in the user's cache and made anew only when its source changed, so
// that calling Build in every test is cheap.
func Build(t testing.TB, pkg string) *Program {
	t.Helper()
	p, err := process.Build(t.Context(), process.Source{Package: pkg})
	if err != nil {
		t.Fatalf("%v", err)
	}
	return &Program{Path: p.Path}
}

// Config says how to start a program. Its zero value serves programs that take
// the flags --listen, --admin and --data; Data defaults to a folder that the test
// removes at its end.
type Config = process.Config

// Process is one program that runs, or ran, on one data folder.
type Process struct {
	*process.Process
	t testing.TB
}

// Start starts the program on free ports of 127.0.0.1 and returns when it is
// ready. It fails the test if the program exits first or takes too long.
func (p *Program) Start(t testing.TB, c Config) *Process {
	t.Helper()
	if c.Data == "" {
		c.Data = t.TempDir()
	}
	proc := &Process{(&process.Program{Path: p.Path}).New(c), t}
	t.Cleanup(proc.cleanup)
	proc.start()
	return proc
}

// Restart starts the program again on the same folder, after Stop, Kill or an
// exit of its own. It has other ports then.
func (p *Process) Restart() {
	p.t.Helper()
	p.start()
}

// Kill ends the process at once, as a power cut would end it, and waits until
// it is gone. It is no error if it has exited before.
func (p *Process) Kill() {
	p.t.Helper()
	if err := p.Process.Kill(); err != nil {
		p.t.Fatalf("%v", err)
	}
}

func (p *Process) start() {
	p.t.Helper()
	if err := p.Process.Start(p.t.Context()); err != nil {
		p.t.Fatalf("%v", err)
	}
}

func (p *Process) cleanup() {
	if !p.Started() {
		return
	}
	if err := p.Process.Kill(); err != nil {
		p.t.Errorf("%v", err)
	}
	if p.t.Failed() {
		p.t.Logf("output of %s (process %d):\n%s", p.Name(), p.PID(), p.Output())
	}
}
