package storetest

import (
	"fmt"
	"time"

	"github.com/talix-dev/talix/store"
)

func reopenCases() []testCase {
	durable := Features{Durable: true}
	return []testCase{
		{name: "ReopenedStoreIsTheSame", needs: durable, run: reopenedStoreIsTheSame},
		{name: "ReopenedStoreKeepsEvents", needs: durable, run: reopenedStoreKeepsEvents},
		{name: "ReopenedStoreKeepsResults", needs: durable, run: reopenedStoreKeepsResults},
		{name: "ReopenedStoreKeepsMarks", needs: durable, run: reopenedStoreKeepsMarks},
		{name: "ReopenedStoreGoesOn", needs: durable, run: reopenedStoreGoesOn},
		{name: "ReopenedStoreKeepsTrims", needs: durable, run: reopenedStoreKeepsTrims},
	}
}

func reopenedStoreIsTheSame(f *fixture) {
	id, partitions := f.store.Identity(), f.store.Partitions()
	for range 3 {
		f.reopen()
		if f.store.Identity() != id || f.store.Partitions() != partitions {
			f.Errorf("reopened, the store is %v of %d partitions; it was %v of %d",
				f.store.Identity(), f.store.Partitions(), id, partitions)
		}
	}
}

func reopenedStoreKeepsEvents(f *fixture) {
	want := map[store.Partition][]store.Event{}
	for _, p := range f.some() {
		for i := range 20 {
			f.durable(p, f.batch(f.stream(p, fmt.Sprint("s", i)), 0, 3))
		}
		want[p] = f.scan(p)
	}
	f.reopen()
	for p := range want {
		if err := sameEvents(f.scan(p), want[p]); err != nil {
			f.Errorf("reopened, partition %d has another log: %v", p, err)
		}
	}
}

func reopenedStoreKeepsResults(f *fixture) {
	p, key, empty, lost := f.home(), f.id(), f.id(), f.id()
	s := f.stream(p, "s")
	f.durable(p, f.keyed(f.batch(s, 0, 1), key, "first"))
	f.durable(p, f.keyed(store.Batch{}, empty, "no events"))
	f.expect(p, []store.Batch{f.keyed(f.batch(s, 7, 1), lost, "lost")}, store.Conflict)
	f.reopen()
	f.repeat(p, f.keyed(f.batch(s, 1, 1), key, "second"), "first")
	f.repeat(p, f.keyed(f.batch(s, 1, 1), empty, "second"), "no events")
	f.wantNoResult(p, lost)
	f.wantVersion(s, 1)
}

func reopenedStoreKeepsMarks(f *fixture) {
	for _, p := range f.some() {
		f.durable(p, move("view", 0, store.Position(p)+5))
		f.durable(p, move("action", 0, store.Position(p)+9))
	}
	f.reopen()
	for _, p := range f.some() {
		f.wantMark("view", p, store.Position(p)+5)
		f.wantMark("action", p, store.Position(p)+9)
		f.expect(p, []store.Batch{move("view", 0, 1)}, store.Conflict)
		f.durable(p, move("view", store.Position(p)+5, 1))
	}
}

// reopenedStoreGoesOn where it was: versions, and positions above all.
func reopenedStoreGoesOn(f *fixture) {
	p := f.home()
	s := f.stream(p, "s")
	for v := range store.Version(4) {
		head, err := f.store.Head(f.Context(), p)
		if err != nil {
			f.Fatalf("read head: %v", err)
		}
		f.expect(p, []store.Batch{f.batch(s, 2*v+1, 1), f.batch(f.stream(p, "x"), 5, 3)}, store.Conflict, store.Conflict)
		if out := f.durable(p, f.batch(s, 2*v, 2)); out.Position <= head {
			f.Errorf("position %d follows %d", out.Position, head)
		}
		f.reopen()
	}
}

func reopenedStoreKeepsTrims(f *fixture) {
	keys := f.aged(4)
	f.trim(noon().Add(2*time.Microsecond), 1000, 2*len(keys))
	f.reopen()
	for p, of := range keys {
		f.wantNoResult(p, of[0])
		f.wantNoResult(p, of[1])
		f.wantResult(p, of[2], "kept")
	}
	f.trim(noon().Add(time.Hour), 1000, 2*len(keys))
}
