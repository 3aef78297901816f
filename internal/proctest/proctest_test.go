package proctest_test

import (
	"testing"

	"github.com/talix-dev/talix/internal/proctest"
)

func TestRequire(t *testing.T) {
	t.Setenv(proctest.Variable, "1")
	proctest.Require(t)
	if t.Run("off", func(t *testing.T) {
		t.Setenv(proctest.Variable, "")
		proctest.Require(t)
		t.Error("the test goes on")
	}) != true {
		t.Error("the test failed")
	}
}
