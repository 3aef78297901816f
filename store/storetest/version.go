package storetest

import "github.com/talix-dev/talix/store"

func versionCases() []testCase {
	return []testCase{
		{name: "VersionsAreDense", run: versionsAreDense},
		{name: "WrongVersionIsConflict", run: wrongVersionIsConflict},
		{name: "ConflictWritesNothing", run: conflictWritesNothing},
		{name: "AppendOfNothingChecksVersion", run: appendOfNothingChecksVersion},
	}
}

func versionsAreDense(f *fixture) {
	p := f.home()
	s := f.stream(p, "dense")
	for v := range store.Version(5) {
		f.durable(p, f.batch(s, 3*v, 3))
	}
	for i, e := range f.load(s, 0) {
		if e.Version != store.Version(i+1) {
			f.Errorf("event %d has version %d", i, e.Version)
		}
	}
	f.wantVersion(s, 15)
}

func wrongVersionIsConflict(f *fixture) {
	p := f.home()
	s, unknown := f.stream(p, "known"), f.stream(p, "unknown")
	f.durable(p, f.batch(s, 0, 3))
	for _, wrong := range []store.Version{0, 1, 2, 4, 5, 1 << 40} {
		f.expect(p, []store.Batch{f.batch(s, wrong, 1)}, store.Conflict)
	}
	f.expect(p, []store.Batch{f.batch(unknown, 1, 1)}, store.Conflict)
	f.wantVersion(s, 3)
	f.wantVersion(unknown, 0)
	f.durable(p, f.batch(s, 3, 1))
}

func conflictWritesNothing(f *fixture) {
	p, key := f.home(), f.id()
	s, other := f.stream(p, "moved"), f.stream(p, "other")
	f.durable(p, f.batch(s, 0, 2))
	b := store.Batch{
		Appends: []store.Append{f.adds(other, 0, 2), f.adds(s, 1, 1)},
		Marks:   []store.Mark{{Consumer: "view", To: 7}},
	}
	f.expect(p, []store.Batch{f.keyed(b, key, "lost")}, store.Conflict)
	f.wantVersion(other, 0)
	f.wantVersion(s, 2)
	f.wantNoResult(p, key)
	f.wantMark("view", p, 0)
	if n := len(f.scan(p)); n != 2 {
		f.Errorf("the log has %d events, want 2", n)
	}
}

// appendOfNothingChecksVersion: an append without events guards what a batch
// was decided on.
func appendOfNothingChecksVersion(f *fixture) {
	p := f.home()
	guard, s := f.stream(p, "guard"), f.stream(p, "guarded")
	f.durable(p, f.batch(guard, 0, 2))
	wrong := store.Batch{Appends: []store.Append{{Stream: guard, Expect: 1}, f.adds(s, 0, 1)}}
	f.expect(p, []store.Batch{wrong}, store.Conflict)
	right := store.Batch{Appends: []store.Append{{Stream: guard, Expect: 2}, f.adds(s, 0, 1)}}
	f.durable(p, right)
	f.wantVersion(guard, 2)
	f.wantVersion(s, 1)
}
