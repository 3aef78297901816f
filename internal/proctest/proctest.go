// Package proctest runs programs of this module as real processes, for tests
// that load them from outside and break them.
//
// A test builds a Program, starts it on free loopback ports and a folder of its
// own, talks to its URL, and stops or kills it:
//
//	proctest.Require(t)
//	bank := proctest.Build(t, "./examples/bank")
//	p := bank.Start(t, proctest.Config{})
//	… http.Post(p.URL()+"/accounts/a/deposits", …) …
//	p.Kill()
//	p.Restart()
//
// Every process ends with its test. What it wrote is in the test's log if the
// test failed. Functions and methods that can fail a test must be called from
// the test's own goroutine; URL, AdminURL, PID, Output and Exited may be called
// from any.
package proctest

import (
	"os"
	"testing"
)

// Variable is the environment variable that turns tests with real processes on.
const Variable = "TALIX_TEST_PROCESS"

// Require skips a test that takes long because it starts real processes, unless
// Variable is 1.
func Require(t testing.TB) {
	t.Helper()
	if os.Getenv(Variable) != "1" {
		t.Skip("starts real processes: run it with " + Variable + "=1 in the environment")
	}
}
