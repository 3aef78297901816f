package talixtest

// T is what a test is told of failures by: a *testing.T, a *testing.F, a
// *rapid.T, or what an example has instead.
type T interface {
	Helper()
	Logf(format string, args ...any)
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any) // does not return
	Cleanup(f func())
}
