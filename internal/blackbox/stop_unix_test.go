//go:build unix

package blackbox_test

import "github.com/talix-dev/talix/internal/proctest"

// stop ends a process gracefully.
func stop(p *proctest.Process) { p.Stop() }
