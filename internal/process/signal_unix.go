//go:build unix

package process

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Stop asks the process to end, as an operator does (SIGTERM), and waits. It is
// an error if the process exits with one, or not within the limit; then the
// goroutines that hold it up are in its output.
func (p *Process) Stop() error {
	r := p.run.Load()
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	if !r.gone(p.config.Limit) {
		if err := p.signal(syscall.SIGQUIT); err != nil {
			return err
		}
		r.gone(p.config.Limit)
		return fmt.Errorf("stop %s: it did not exit within %v of SIGTERM", p.Name(), p.config.Limit)
	}
	if r.err != nil {
		return fmt.Errorf("stop %s: %w", p.Name(), r.err)
	}
	return nil
}

// Suspend stops the process without ending it (SIGSTOP), as a machine does
// that hangs. On Linux it returns when every thread has stopped; elsewhere some
// may run for a moment longer.
func (p *Process) Suspend(ctx context.Context) error {
	if err := p.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.Limit)
	defer cancel()
	return Poll(ctx, func() error { return stopped(p.PID()) })
}

// stopped looks at the threads of a process where the system shows them.
func stopped(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil {
		return err
	}
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		// The state follows the name, which stands in parentheses.
		if i := bytes.LastIndexByte(stat, ')'); !bytes.HasPrefix(stat[i+1:], []byte(" T")) {
			return fmt.Errorf("%s: not stopped", name)
		}
	}
	return nil
}

// Resume lets a suspended process go on.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(s os.Signal) error {
	if err := p.run.Load().cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s with %v: %w", p.Name(), s, err)
	}
	return nil
}

func (r *run) gone(limit time.Duration) bool {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-r.exited:
		return true
	case <-timer.C:
		return false
	}
}
