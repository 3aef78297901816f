package proctest_test

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix/internal/proctest"
)

// echo is the test program. It is small enough to be built by every run of
// these tests but short ones.
func echo(t *testing.T) *proctest.Program {
	t.Helper()
	if testing.Short() {
		t.Skip("compiles and starts a program: run without -short")
	}
	return proctest.Build(t, "./internal/proctest/testdata/echo")
}

// fake is a test that may fail.
type fake struct {
	testing.TB
	mu       sync.Mutex
	log      strings.Builder
	failed   bool
	cleanups []func()
}

// failing runs fn as a test of its own, with its cleanups, and returns its log
// if it failed.
func failing(t *testing.T, fn func(testing.TB)) string {
	t.Helper()
	f := &fake{TB: t}
	f.do(func() { fn(f) })
	for i := len(f.cleanups) - 1; i >= 0; i-- {
		f.do(f.cleanups[i])
	}
	if !f.failed {
		return ""
	}
	return f.log.String()
}

func (f *fake) do(fn func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		fn()
	}()
	<-done
}

func (f *fake) Helper() {}

func (f *fake) Failed() bool { return f.failed }

func (f *fake) Cleanup(fn func()) { f.cleanups = append(f.cleanups, fn) }

func (f *fake) Logf(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fmt.Fprintf(&f.log, format+"\n", args...)
}

func (f *fake) Errorf(format string, args ...any) {
	f.Logf(format, args...)
	f.failed = true
}

func (f *fake) Fatalf(format string, args ...any) {
	f.Errorf(format, args...)
	runtime.Goexit()
}
