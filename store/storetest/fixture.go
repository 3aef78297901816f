package storetest

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
)

type opener func(dir string) (store.Store, error)

// fixture is a fresh store and what cases need to speak to it tersely.
type fixture struct {
	testing.TB
	open     opener
	features Features
	dir      string
	store    store.Store // nil once the case has closed it for good

	mu   sync.Mutex
	rand *rand.Rand
}

func newFixture(tb testing.TB, open opener, features Features) *fixture {
	tb.Helper()
	f := &fixture{TB: tb, open: open, features: features, dir: tb.TempDir(), rand: newRand(tb)}
	f.store = f.mustOpen(f.dir)
	return f
}

// seedVariable replays the random choices of a failed run.
const seedVariable = "TALIX_STORETEST_SEED"

func newRand(tb testing.TB) *rand.Rand {
	tb.Helper()
	seed := rand.Uint64()
	if given, err := strconv.ParseUint(os.Getenv(seedVariable), 10, 64); err == nil {
		seed = given
	}
	tb.Logf("to make the same random choices again, set %s=%d", seedVariable, seed)
	return rand.New(rand.NewPCG(seed, 1))
}

func (f *fixture) mustOpen(dir string) store.Store {
	f.Helper()
	s, err := f.open(dir)
	if err != nil {
		f.Fatalf("open store: %v", err)
	}
	return s
}

// reopen closes the store and opens it again.
func (f *fixture) reopen() {
	f.Helper()
	f.shut()
	f.store = f.mustOpen(f.dir)
}

// shut closes the store, if the case has not done so.
func (f *fixture) shut() {
	f.Helper()
	if f.store == nil {
		return
	}
	if err := f.store.Close(); err != nil {
		f.Errorf("close store: %v", err)
	}
	f.store = nil
}

// home is the partition of cases that need only one: the last, so that a
// driver which forgets the partition is found out.
func (f *fixture) home() store.Partition { return store.Partition(f.store.Partitions() - 1) }

// some are up to four partitions, home among them.
func (f *fixture) some() []store.Partition {
	var ps []store.Partition
	for p := f.home(); p >= 0 && len(ps) < 4; p-- {
		ps = append(ps, p)
	}
	return ps
}

func (f *fixture) id() store.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var id store.ID
	binary.BigEndian.PutUint64(id[:8], f.rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], f.rand.Uint64())
	return id
}

// stream is a stream of p whose id starts with name.
func (f *fixture) stream(p store.Partition, name string) store.Stream {
	return streamIn(p, f.store.Partitions(), name)
}

func streamIn(p store.Partition, partitions int, name string) store.Stream {
	for i := 0; ; i++ {
		s := store.Stream{Type: "thing", ID: fmt.Sprint(name, "-", i)}
		if store.PartitionOf(s, partitions) == p {
			return s
		}
	}
}

// noon is a fixed time of cases; they add to it what they need.
func noon() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC) }

func (f *fixture) event(s store.Stream, v store.Version) store.Event {
	return store.Event{
		ID: f.id(), Stream: s, Version: v, Type: "THINGS:THING_CHANGED", Schema: 1, Time: noon(),
		Command: f.id(), Correlation: f.id(), Data: fmt.Appendf(nil, `{"v":%d}`, v),
	}
}

// adds is an append of n events.
func (f *fixture) adds(s store.Stream, expect store.Version, n int) store.Append {
	a := store.Append{Stream: s, Expect: expect}
	for i := range n {
		a.Events = append(a.Events, f.event(s, expect+store.Version(i)+1))
	}
	return a
}

// batch is a batch of one append.
func (f *fixture) batch(s store.Stream, expect store.Version, n int) store.Batch {
	return store.Batch{Appends: []store.Append{f.adds(s, expect, n)}, Time: noon()}
}

// keyed is a batch with a key and a result.
func (f *fixture) keyed(b store.Batch, key store.ID, result string) store.Batch {
	b.Key, b.Result, b.Time = key, []byte(result), noon()
	return b
}

func (f *fixture) commit(p store.Partition, batches ...store.Batch) []store.Outcome {
	f.Helper()
	return f.commitContext(f.Context(), p, batches...)
}

func (f *fixture) commitContext(ctx context.Context, p store.Partition, batches ...store.Batch) []store.Outcome {
	f.Helper()
	out := f.store.Commit(ctx, p, batches)
	if len(out) != len(batches) {
		f.Fatalf("Commit of %d batches gave %d outcomes", len(batches), len(out))
	}
	return out
}

// expect commits the batches in one call, which must end as stated.
func (f *fixture) expect(p store.Partition, batches []store.Batch, want ...store.Status) []store.Outcome {
	f.Helper()
	out := f.commit(p, batches...)
	for i := range out {
		if out[i].Status != want[i] {
			f.Fatalf("batch %d ended as %v (%v), want %v", i, out[i].Status, out[i].Err, want[i])
		}
	}
	return out
}

// durable commits one batch, which must succeed, and checks what Commit sets.
func (f *fixture) durable(p store.Partition, b store.Batch) store.Outcome {
	f.Helper()
	out := f.expect(p, []store.Batch{b}, store.Durable)[0]
	f.checkPlaced(p, b, out)
	return out
}

// checkPlaced holds Commit to setting partition and position in place.
func (f *fixture) checkPlaced(p store.Partition, b store.Batch, out store.Outcome) {
	f.Helper()
	var last store.Position
	for _, a := range b.Appends {
		for _, e := range a.Events {
			if e.Partition != p || e.Position <= last {
				f.Errorf("event %v %d was placed at %d:%d after %d:%d", e.Stream, e.Version, e.Partition, e.Position, p, last)
			}
			last = e.Position
		}
	}
	if out.Position != last {
		f.Errorf("the outcome says position %d, the last event %d", out.Position, last)
	}
}

func (f *fixture) load(s store.Stream, after store.Version) []store.Event {
	f.Helper()
	var events []store.Event
	for e, err := range f.store.Load(f.Context(), s, after) {
		if err != nil {
			f.Fatalf("load %v: %v", s, err)
		}
		events = append(events, e)
	}
	return events
}

// wantVersion checks how many events a stream has.
func (f *fixture) wantVersion(s store.Stream, want store.Version) {
	f.Helper()
	if got := store.Version(len(f.load(s, 0))); got != want {
		f.Errorf("stream %v has %d events, want %d", s, got, want)
	}
}

// scan reads a partition from its beginning, in pages.
func (f *fixture) scan(p store.Partition) []store.Event {
	f.Helper()
	events, err := readLog(f.Context(), f.store, p)
	if err != nil {
		f.Fatalf("read log of partition %d: %v", p, err)
	}
	return events
}

func readLog(ctx context.Context, s store.Store, p store.Partition) ([]store.Event, error) {
	const page = 1000
	var events []store.Event
	var last store.Position
	for {
		got, err := s.Log(ctx, p, last, page)
		if err != nil || len(got) == 0 {
			return events, err
		}
		if len(got) > page {
			return events, fmt.Errorf("asked for %d events, got %d", page, len(got))
		}
		if next := got[len(got)-1].Position; next > last {
			last = next
		} else {
			return events, fmt.Errorf("a page after position %d ends at %d", last, next)
		}
		events = append(events, got...)
	}
}

func (f *fixture) wantResult(p store.Partition, key store.ID, want string) {
	f.Helper()
	got, ok, err := f.store.Result(f.Context(), p, key)
	if err != nil || !ok || string(got) != want {
		f.Errorf("result of %v is %q, %v, %v; want %q", key, got, ok, err, want)
	}
}

func (f *fixture) wantNoResult(p store.Partition, key store.ID) {
	f.Helper()
	if got, ok, err := f.store.Result(f.Context(), p, key); err != nil || ok {
		f.Errorf("result of %v is %q, %v, %v; want none", key, got, ok, err)
	}
}

// wantMark checks a mark; zero stands for none.
func (f *fixture) wantMark(consumer string, p store.Partition, want store.Position) {
	f.Helper()
	got, ok, err := f.store.Mark(f.Context(), consumer, p)
	if err != nil || got != want || ok != (want != 0) {
		f.Errorf("mark of %q in partition %d is %d, %v, %v; want %d", consumer, p, got, ok, err, want)
	}
}

// wantEmpty checks that a partition has no events.
func (f *fixture) wantEmpty(p store.Partition) {
	f.Helper()
	if n := len(f.scan(p)); n != 0 {
		f.Errorf("partition %d has %d events, want none", p, n)
	}
}
