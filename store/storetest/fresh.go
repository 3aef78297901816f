package storetest

import "github.com/talix-dev/talix/store"

func freshCases() []testCase {
	return []testCase{
		{name: "FreshRepeatIsDuplicate", run: freshRepeatIsDuplicate},
		{name: "FreshRepeatInOneCall", run: freshRepeatInOneCall},
		{name: "FreshConflict", run: freshConflict},
	}
}

// fresh is a batch under a key that was made for it.
func (f *fixture) fresh(s store.Stream, expect store.Version, n int) store.Batch {
	b := f.keyed(f.batch(s, expect, n), f.id(), "reply")
	b.Fresh = true
	for i := range b.Appends[0].Events {
		b.Appends[0].Events[i].Command = b.Key
	}
	return b
}

// wantRepeat commits a batch that is stored already.
func (f *fixture) wantRepeat(p store.Partition, b store.Batch) {
	f.Helper()
	if out := f.expect(p, []store.Batch{b}, store.Duplicate)[0]; string(out.Result) != "reply" {
		f.Errorf("the repeat got %q, want %q", out.Result, "reply")
	}
}

func freshRepeatIsDuplicate(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	first, second := f.fresh(s, 0, 2), f.fresh(s, 2, 1)
	f.durable(p, first)
	f.wantRepeat(p, first)
	f.durable(p, second)
	for range 2 { // whatever followed, and from another process
		f.wantRepeat(p, first)
		f.wantRepeat(p, second)
		if f.features.Durable {
			f.reopen()
		}
	}
	f.wantVersion(s, 3)
}

func freshRepeatInOneCall(f *fixture) {
	p := f.home()
	b := f.fresh(f.stream(p, "s"), 0, 1)
	f.expect(p, []store.Batch{b, b}, store.Durable, store.Duplicate)
}

func freshConflict(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.fresh(s, 0, 2))
	f.expect(p, []store.Batch{f.fresh(s, 0, 1), f.fresh(s, 1, 1)}, store.Conflict, store.Conflict)
	f.expect(p, []store.Batch{f.fresh(s, 5, 1)}, store.Conflict)
	f.wantVersion(s, 2)
}
