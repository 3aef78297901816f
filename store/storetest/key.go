package storetest

import "github.com/talix-dev/talix/store"

func keyCases() []testCase {
	return []testCase{
		{name: "KeyKeepsResult", run: keyKeepsResult},
		{name: "RepeatIsDuplicate", run: repeatIsDuplicate},
		{name: "DuplicateWinsOverConflict", run: duplicateWinsOverConflict},
		{name: "DuplicateWritesNothing", run: duplicateWritesNothing},
		{name: "RepeatInOneCall", run: repeatInOneCall},
		{name: "KeyOfConflictIsFree", run: keyOfConflictIsFree},
		{name: "KeyWithoutEvents", run: keyWithoutEvents},
		{name: "KeyWithEmptyResult", run: keyWithEmptyResult},
		{name: "ZeroKeyIsNoKey", run: zeroKeyIsNoKey},
		{name: "KeysArePerPartition", run: keysArePerPartition},
	}
}

func keyKeepsResult(f *fixture) {
	p, key := f.home(), f.id()
	f.wantNoResult(p, key)
	f.durable(p, f.keyed(f.batch(f.stream(p, "s"), 0, 1), key, "\x00\xff{}"))
	f.wantResult(p, key, "\x00\xff{}")
	f.wantNoResult(p, f.id())
}

// repeat commits a batch with a known key, which must get the first result.
func (f *fixture) repeat(p store.Partition, b store.Batch, want string) {
	f.Helper()
	out := f.expect(p, []store.Batch{b}, store.Duplicate)[0]
	if string(out.Result) != want || out.Position != 0 {
		f.Errorf("the repeat got %q at position %d, want %q at 0", out.Result, out.Position, want)
	}
	f.wantResult(p, b.Key, want)
}

func repeatIsDuplicate(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "first"))
	for range 3 {
		f.repeat(p, f.keyed(f.batch(s, 1, 1), key, "later"), "first")
	}
	f.wantVersion(s, 1)
}

func duplicateWinsOverConflict(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	b := f.keyed(f.batch(s, 0, 1), key, "first")
	f.durable(p, b)
	f.repeat(p, b, "first")
	b.Marks = []store.Mark{{Consumer: "view", From: 8, To: 9}}
	f.repeat(p, b, "first")
	f.wantVersion(s, 1)
}

func duplicateWritesNothing(f *fixture) {
	p, key := f.home(), f.id()
	s, other := f.stream(p, "s"), f.stream(p, "other")
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "first"))
	again := f.keyed(f.batch(other, 0, 1), key, "second")
	again.Marks = []store.Mark{{Consumer: "view", To: 3}}
	f.repeat(p, again, "first")
	f.wantVersion(other, 0)
	f.wantMark("view", p, 0)
}

func repeatInOneCall(f *fixture) {
	p, key := f.home(), f.id()
	s, other := f.stream(p, "s"), f.stream(p, "other")
	batches := []store.Batch{
		f.keyed(f.batch(s, 0, 1), key, "first"),
		f.keyed(f.batch(other, 0, 1), key, "second"),
		f.keyed(store.Batch{}, key, "third"),
	}
	out := f.expect(p, batches, store.Durable, store.Duplicate, store.Duplicate)
	if string(out[1].Result) != "first" || string(out[2].Result) != "first" {
		f.Errorf("the repeats got %q and %q, want %q", out[1].Result, out[2].Result, "first")
	}
	f.wantVersion(other, 0)
}

// keyOfConflictIsFree: what was not stored is not remembered.
func keyOfConflictIsFree(f *fixture) {
	p, key := f.home(), f.id()
	s := f.stream(p, "s")
	f.expect(p, []store.Batch{f.keyed(f.batch(s, 2, 1), key, "first")}, store.Conflict)
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "second"))
	f.wantResult(p, key, "second")
}

func keyWithoutEvents(f *fixture) {
	p, key := f.home(), f.id()
	f.durable(p, f.keyed(store.Batch{}, key, "nothing"))
	f.repeat(p, f.keyed(f.batch(f.stream(p, "s"), 0, 1), key, "something"), "nothing")
	f.wantEmpty(p)
}

func keyWithEmptyResult(f *fixture) {
	p, key := f.home(), f.id()
	b := f.keyed(store.Batch{}, key, "")
	b.Result = nil
	f.durable(p, b)
	f.wantResult(p, key, "")
	f.repeat(p, f.keyed(store.Batch{}, key, "second"), "")
}

func zeroKeyIsNoKey(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	f.durable(p, f.keyed(f.batch(s, 0, 1), store.ID{}, "first"))
	f.durable(p, f.keyed(f.batch(s, 1, 1), store.ID{}, "second"))
	f.wantNoResult(p, store.ID{})
}

func keysArePerPartition(f *fixture) {
	key := f.id()
	for i, p := range f.some() {
		f.wantNoResult(p, key)
		f.durable(p, f.keyed(f.batch(f.stream(p, "s"), 0, 1), key, string(rune('a'+i))))
	}
	for i, p := range f.some() {
		f.wantResult(p, key, string(rune('a'+i)))
	}
}
