package storetest

import "github.com/talix-dev/talix/store"

// The cases of this file are about one rule of Commit: in one call, what
// follows a batch that was not Durable on one of its streams is a Conflict,
// even where the version matches by accident.

func cascadeCases() []testCase {
	return []testCase{
		{name: "CascadeOfTwoRuntimes", run: cascadeOfTwoRuntimes},
		{name: "CascadeAfterDuplicate", run: cascadeAfterDuplicate},
		{name: "CascadeAfterMarkConflict", run: cascadeAfterMarkConflict},
		{name: "CascadeRunsThroughSharedStreams", run: cascadeRunsThroughSharedStreams},
		{name: "CascadeEndsWithTheCall", run: cascadeEndsWithTheCall},
		{name: "CascadeSparesKeys", run: cascadeSparesKeys},
		{name: "CascadeSparesDuplicates", run: cascadeSparesDuplicates},
		{name: "CascadeSparesMarks", run: cascadeSparesMarks},
	}
}

// cascadeOfTwoRuntimes: one runtime decides versions 3 and 4 in two commands
// and sends both in one call; another runtime was faster with a version 3 of
// its own. The first command conflicts, and now the second one's expected
// version stands in the store, but not the event that it was decided on.
func cascadeOfTwoRuntimes(f *fixture) {
	p := f.home()
	s, neighbour := f.stream(p, "contended"), f.stream(p, "neighbour")
	f.durable(p, f.batch(s, 0, 2))
	slow := []store.Batch{f.batch(s, 2, 1), f.batch(s, 3, 1), f.batch(neighbour, 0, 1), f.batch(s, 4, 1)}
	fast := f.batch(s, 2, 1)
	f.durable(p, fast)
	f.expect(p, slow, store.Conflict, store.Conflict, store.Durable, store.Conflict)
	f.wantVersion(neighbour, 1)
	events := f.load(s, 0)
	if len(events) != 3 || events[2].ID != fast.Appends[0].Events[0].ID {
		f.Errorf("the stream has %d events, want 3 that end with the faster runtime's", len(events))
	}
}

// cascadeAfterDuplicate: the same, but both runtimes ran the same command, and
// the faster one got two events out of it where the slower one got one.
func cascadeAfterDuplicate(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "repeated")
	slow := []store.Batch{f.keyed(f.batch(s, 0, 1), key, "slow"), f.batch(s, 1, 1), f.batch(s, 2, 1)}
	f.durable(p, f.keyed(f.batch(s, 0, 2), key, "fast"))
	f.expect(p, slow, store.Duplicate, store.Conflict, store.Conflict)
	f.wantVersion(s, 2)
}

func cascadeAfterMarkConflict(f *fixture) {
	p := f.home()
	s := f.stream(p, "delivered")
	first := f.batch(s, 0, 1)
	first.Marks = []store.Mark{{Consumer: "action", From: 5, To: 6}}
	f.expect(p, []store.Batch{first, f.batch(s, 0, 1)}, store.Conflict, store.Conflict)
	f.wantVersion(s, 0)
}

// cascadeRunsThroughSharedStreams: a batch that falls takes with it what
// follows on all its streams, and so on.
func cascadeRunsThroughSharedStreams(f *fixture) {
	p := f.home()
	a, b, c, d := f.stream(p, "a"), f.stream(p, "b"), f.stream(p, "c"), f.stream(p, "d")
	f.durable(p, f.batch(a, 0, 1))
	batches := []store.Batch{
		{Appends: []store.Append{f.adds(b, 0, 1), f.adds(a, 0, 1)}},
		f.batch(d, 0, 1),
		{Appends: []store.Append{f.adds(c, 0, 1), f.adds(b, 0, 1)}},
		f.batch(c, 0, 1),
		f.batch(d, 1, 1),
	}
	f.expect(p, batches, store.Conflict, store.Durable, store.Conflict, store.Conflict, store.Durable)
	f.wantVersion(a, 1)
	f.wantVersion(b, 0)
	f.wantVersion(c, 0)
	f.wantVersion(d, 2)
}

func cascadeEndsWithTheCall(f *fixture) {
	p := f.home()
	s, other := f.stream(p, "again"), f.stream(p, "also")
	b := store.Batch{Appends: []store.Append{f.adds(s, 3, 1), f.adds(other, 0, 1)}}
	f.expect(p, []store.Batch{b, f.batch(other, 0, 1)}, store.Conflict, store.Conflict)
	f.durable(p, f.batch(s, 0, 1))
	f.durable(p, f.batch(other, 0, 1))
}

// cascadeSparesKeys: a later batch that only shares a key is judged by itself.
func cascadeSparesKeys(f *fixture) {
	p, key := f.home(), f.id()
	s, other := f.stream(p, "fails"), f.stream(p, "holds")
	batches := []store.Batch{
		f.keyed(f.batch(s, 4, 1), key, "first"),
		f.keyed(f.batch(other, 0, 1), key, "second"),
	}
	f.expect(p, batches, store.Conflict, store.Durable)
	f.wantResult(p, key, "second")
}

// cascadeSparesDuplicates: a repeat never reads as a conflict.
func cascadeSparesDuplicates(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "repeat")
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "first"))
	batches := []store.Batch{f.batch(s, 7, 1), f.keyed(f.batch(s, 1, 1), key, "second")}
	out := f.expect(p, batches, store.Conflict, store.Duplicate)
	if string(out[1].Result) != "first" {
		f.Errorf("the repeat got %q, want %q", out[1].Result, "first")
	}
}

// cascadeSparesMarks: marks are compared, and nothing else.
func cascadeSparesMarks(f *fixture) {
	p := f.home()
	move := func(to store.Position) []store.Mark { return []store.Mark{{Consumer: "view", To: to}} }
	fails := f.batch(f.stream(p, "fails"), 1, 1)
	fails.Marks = move(3)
	f.expect(p, []store.Batch{fails, {Marks: move(4)}}, store.Conflict, store.Durable)
	f.wantMark("view", p, 4)
}
