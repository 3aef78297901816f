package storetest

import (
	"fmt"
	"math"

	"github.com/talix-dev/talix/store"
)

func logCases() []testCase {
	return []testCase{
		{name: "LogIsInOrderOfCommits", run: logIsInOrderOfCommits},
		{name: "LogComesInPages", run: logComesInPages},
		{name: "LogStartsAfterAnyPosition", run: logStartsAfterAnyPosition},
		{name: "HeadIsTheLastPosition", run: headIsTheLastPosition},
	}
}

// logIsInOrderOfCommits: of calls, of batches in a call, of appends in a batch
// and of events in an append.
func logIsInOrderOfCommits(f *fixture) {
	p := f.home()
	var want []store.ID
	for call := range 5 {
		var batches []store.Batch
		for i := range 4 {
			a := f.adds(f.stream(p, fmt.Sprint("z", 99-i)), store.Version(2*call), 2)
			b := f.adds(f.stream(p, fmt.Sprint("a", i)), store.Version(call), 1)
			batches = append(batches, store.Batch{Appends: []store.Append{a, b}})
			want = append(want, a.Events[0].ID, a.Events[1].ID, b.Events[0].ID)
		}
		f.expect(p, batches, store.Durable, store.Durable, store.Durable, store.Durable)
	}
	got := f.scan(p)
	if len(got) != len(want) {
		f.Fatalf("the log has %d events, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].ID != want[i] {
			f.Errorf("event %d of the log is not the one committed at that place", i)
		}
	}
}

func logComesInPages(f *fixture) {
	p := f.home()
	for i := range 25 {
		f.durable(p, f.batch(f.stream(p, fmt.Sprint("s", i)), 0, 4))
	}
	all := f.scan(p)
	for _, max := range []int{1, 2, 3, 7, 99, 100, 101, math.MaxInt32} {
		var got []store.Event
		for last := store.Position(0); len(got) <= len(all); last = got[len(got)-1].Position {
			page := f.page(p, last, max)
			if len(page) == 0 {
				break
			}
			if len(page) > max {
				f.Fatalf("asked for %d events, got %d", max, len(page))
			}
			got = append(got, page...)
		}
		if err := sameEvents(got, all); err != nil {
			f.Errorf("in pages of %d: %v", max, err)
		}
	}
}

func (f *fixture) page(p store.Partition, after store.Position, max int) []store.Event {
	f.Helper()
	page, err := f.store.Log(f.Context(), p, after, max)
	if err != nil {
		f.Fatalf("read log of partition %d after %d: %v", p, after, err)
	}
	return page
}

// logStartsAfterAnyPosition: also one that no event has.
func logStartsAfterAnyPosition(f *fixture) {
	p := f.home()
	for i := range 10 {
		f.durable(p, f.batch(f.stream(p, fmt.Sprint("s", i)), 0, 2))
	}
	all := f.scan(p)
	head := all[len(all)-1].Position
	from := 0
	for after := range head + 3 {
		for from < len(all) && all[from].Position <= after {
			from++
		}
		if err := sameEvents(f.page(p, after, 100), all[from:]); err != nil {
			f.Errorf("Log after %d: %v", after, err)
		}
	}
	if n := len(f.page(p, math.MaxInt64, 100)); n != 0 {
		f.Errorf("Log after the greatest position gives %d events", n)
	}
}

func headIsTheLastPosition(f *fixture) {
	p := f.home()
	f.wantHead(p, 0)
	s := f.stream(p, "s")
	for v := range store.Version(3) {
		b := f.batch(s, 2*v, 2)
		f.durable(p, b)
		f.wantHead(p, b.Appends[0].Events[1].Position)
	}
	last := f.load(s, 5)[0].Position
	f.durable(p, f.keyed(store.Batch{}, f.id(), "no events"))
	f.expect(p, []store.Batch{f.batch(s, 0, 1)}, store.Conflict)
	f.wantHead(p, last)
}

func (f *fixture) wantHead(p store.Partition, want store.Position) {
	f.Helper()
	if got, err := f.store.Head(f.Context(), p); err != nil || got != want {
		f.Errorf("head of partition %d is %d, %v; want %d", p, got, err, want)
	}
}
