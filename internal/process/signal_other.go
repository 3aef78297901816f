//go:build !unix

package process

import (
	"context"
	"errors"
)

var errNoSignals = errors.New("this system has no signals that stop a process and let it go on")

// Stop kills the process: there is no way to ask it.
func (p *Process) Stop() error { return p.Kill() }

// Suspend fails.
func (p *Process) Suspend(context.Context) error { return errNoSignals }

// Resume fails.
func (p *Process) Resume() error { return errNoSignals }
