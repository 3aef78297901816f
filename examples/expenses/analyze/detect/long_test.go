package detect_test

import "testing"

// long skips a test that takes long under the race detector, and has nothing to
// show it.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes long: run it without -short")
	}
}
