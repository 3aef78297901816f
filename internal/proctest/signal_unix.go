//go:build unix

package proctest

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Stop asks the process to end, as an operator does (SIGTERM), and waits. It
// fails the test if the process exits with an error, or not within the limit;
// then the goroutines that hold it up are in its output.
func (p *Process) Stop() {
	p.t.Helper()
	r := p.run.Load()
	p.signal(syscall.SIGTERM)
	if !r.gone(p.config.Limit) {
		p.signal(syscall.SIGQUIT)
		r.gone(p.config.Limit)
		p.t.Fatalf("stop %s: it did not exit within %v of SIGTERM", p.name(), p.config.Limit)
	}
	if r.err != nil {
		p.t.Errorf("stop %s: %v", p.name(), r.err)
	}
}

// Suspend stops the process without ending it (SIGSTOP), as a machine does
// that hangs. On Linux it returns when every thread has stopped; elsewhere some
// may run for a moment longer.
func (p *Process) Suspend() {
	p.t.Helper()
	p.signal(syscall.SIGSTOP)
	Eventually(p.t, p.config.Limit, func() error { return stopped(p.PID()) })
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
func (p *Process) Resume() {
	p.t.Helper()
	p.signal(syscall.SIGCONT)
}

func (p *Process) signal(s os.Signal) {
	p.t.Helper()
	if err := p.run.Load().cmd.Process.Signal(s); err != nil {
		p.t.Fatalf("signal %s with %v: %v", p.name(), s, err)
	}
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
