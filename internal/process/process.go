// Package process runs programs of this module as real processes, which can be
// killed and hung. It serves tests, through internal/proctest, and programs that
// test.
package process

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"sync/atomic"
	"time"
)

// Config says how to start a program. Its zero value serves programs that take
// the flags --listen, --admin and --data, but for Data.
type Config struct {
	// Args is given after the flags that Start adds.
	Args []string
	// Env is added to the environment of the caller, as "NAME=value".
	Env []string
	// Data is the folder given as --data.
	Data string
	// NoAdmin is for programs without --admin: they are ready when they listen.
	NoAdmin bool
	// Limit is how long the program may take to be ready, and to stop. Defaults
	// to 30 seconds, which a slow machine needs with the race detector on.
	Limit time.Duration
}

// Process is one program that runs, or ran, on one data folder. URL, AdminURL,
// PID, Output and Exited may be called from any goroutine, once it was started;
// all else by one at a time.
type Process struct {
	program *Program
	config  Config
	run     atomic.Pointer[run]
}

// run is one life of a process, from start to exit.
type run struct {
	cmd    *exec.Cmd
	output *output
	exited chan struct{}
	err    error // how it exited; read it after exited was closed
}

// New is a process that is not started yet.
func (p *Program) New(c Config) *Process {
	if c.Limit == 0 {
		c.Limit = 30 * time.Second
	}
	return &Process{program: p, config: c}
}

// Start starts the program on free ports of 127.0.0.1 and returns when it is
// ready. After an error it may still run: end it with Kill. A process that has
// exited can be started again, on the same folder; it has other ports then.
func (p *Process) Start(ctx context.Context) error {
	if r := p.run.Load(); r != nil {
		select {
		case <-r.exited:
		default:
			return fmt.Errorf("start %s: it still runs: stop or kill it first", p.Name())
		}
	}
	r := &run{output: newOutput(!p.config.NoAdmin), exited: make(chan struct{})}
	r.cmd = exec.Command(p.program.Path, p.args()...) //nolint:noctx // Kill ends it, also after the context
	r.cmd.Env = append(os.Environ(), p.config.Env...)
	r.cmd.Stdout, r.cmd.Stderr = r.output, r.output
	r.cmd.WaitDelay = time.Second // a child of its own may hold the pipe
	if err := r.cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name(), err)
	}
	go func() {
		defer close(r.exited)
		r.err = r.cmd.Wait()
	}()
	p.run.Store(r)
	if err := p.ready(ctx, r); err != nil {
		return fmt.Errorf("start %s: %w", p.Name(), err)
	}
	return nil
}

// Kill ends the process at once, as a power cut would end it, and waits until
// it is gone. It is no error if it has exited before, or was never started.
func (p *Process) Kill() error {
	r := p.run.Load()
	if r == nil {
		return nil
	}
	if err := r.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.Name(), err)
	}
	<-r.exited
	return nil
}

// URL is where the program listens, as in http://127.0.0.1:40123.
func (p *Process) URL() string { return p.run.Load().output.listen() }

// AdminURL is where its console, metrics and health are.
func (p *Process) AdminURL() string { return p.run.Load().output.admin() }

// PID is its process id.
func (p *Process) PID() int { return p.run.Load().cmd.Process.Pid }

// Output is what the process wrote since it was last started, both streams
// mixed. Only the last megabyte is kept.
func (p *Process) Output() string { return p.run.Load().output.text() }

// Exited is closed when the process is gone. After another Start there is a new
// channel.
func (p *Process) Exited() <-chan struct{} { return p.run.Load().exited }

// Started tells whether there is, or was, a process.
func (p *Process) Started() bool { return p.run.Load() != nil }

// Data is its folder.
func (p *Process) Data() string { return p.config.Data }

// Name is the program's file.
func (p *Process) Name() string { return p.program.Path }

func (p *Process) args() []string {
	args := []string{"--listen", "127.0.0.1:0", "--data", p.config.Data}
	if !p.config.NoAdmin {
		args = append(args, "--admin", "127.0.0.1:0")
	}
	return append(args, p.config.Args...)
}

// ready waits for the lines that tell the ports, then for readiness.
func (p *Process) ready(ctx context.Context, r *run) error {
	ctx, cancel := context.WithTimeout(ctx, p.config.Limit)
	defer cancel()
	select {
	case <-r.output.known:
	case <-r.exited:
		return fmt.Errorf("it exited before it listened: %w", r.exit())
	case <-ctx.Done():
		return fmt.Errorf("it printed no line with the address that it listens on within %v", p.config.Limit)
	}
	if p.config.NoAdmin {
		return nil
	}
	return Poll(ctx, func() error { return r.readiness(ctx) })
}

// readiness asks once. That the process is gone ends the asking.
func (r *run) readiness(ctx context.Context) error {
	select {
	case <-r.exited:
		return final{fmt.Errorf("it exited before it was ready: %w", r.exit())}
	default:
	}
	return get(ctx, r.output.admin()+"/readyz")
}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return final{err}
	}
	req.Close = true // leave no idle connection behind in the test
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	return nil
}

// exit is how it exited, also if that was no error.
func (r *run) exit() error {
	if r.err != nil {
		return r.err
	}
	return errors.New("exit status 0")
}
