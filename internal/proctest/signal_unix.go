//go:build unix

package proctest

// Stop asks the process to end, as an operator does (SIGTERM), and waits. It
// fails the test if the process exits with an error, or not within the limit;
// then the goroutines that hold it up are in its output.
func (p *Process) Stop() {
	p.t.Helper()
	if err := p.Process.Stop(); err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Suspend stops the process without ending it (SIGSTOP), as a machine does
// that hangs. On Linux it returns when every thread has stopped; elsewhere some
// may run for a moment longer.
func (p *Process) Suspend() {
	p.t.Helper()
	if err := p.Process.Suspend(p.t.Context()); err != nil {
		p.t.Fatalf("%v", err)
	}
}

// Resume lets a suspended process go on.
func (p *Process) Resume() {
	p.t.Helper()
	if err := p.Process.Resume(); err != nil {
		p.t.Fatalf("%v", err)
	}
}
