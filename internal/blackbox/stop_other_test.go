//go:build !unix

package blackbox_test

import "github.com/talix-dev/talix/internal/proctest"

// stop ends a process; a graceful end takes a signal that is not to be had.
func stop(p *proctest.Process) { p.Kill() }
