package runtime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// counted counts the events that are loaded.
type counted struct {
	*memory.Store
	events atomic.Int64
}

func (c *counted) Load(ctx context.Context, s store.Stream, after store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for e, err := range c.Store.Load(ctx, s, after) {
			c.events.Add(1)
			if !yield(e, err) {
				return
			}
		}
	}
}

// snapshotOf is the record of a purse's snapshot.
func snapshotOf(t *testing.T, s store.Store, id string) (store.Record, bool) {
	t.Helper()
	return recordOf(t, s, store.Stream{Type: "purse", ID: id})
}

func recordOf(t *testing.T, s store.Store, name store.Stream) (store.Record, bool) {
	t.Helper()
	r, found, err := s.(store.Keeper).Record(t.Context(), store.PartitionOf(name, s.Partitions()), "snapshot", name.Type+"/"+name.ID)
	if err != nil {
		t.Fatal(err)
	}
	return r, found
}

// fillPurse puts single coins into a purse, and stops the runtime.
func fillPurse(t *testing.T, s store.Store, w *world, id string, n int, change ...func(*runtime.Config)) {
	t.Helper()
	rt := start(t, w, s, change...)
	for range n {
		if _, err := talix.Run(rt.Context(t.Context()), w.put, id, coins{1}); err != nil {
			t.Fatal(err)
		}
	}
	rt.Stop()
}

// loadPurse loads a purse in a runtime that knows nothing, and counts events.
func loadPurse(t *testing.T, s *memory.Store, w *world, id string, change ...func(*runtime.Config)) (purse talix.Loaded[Purse], events int) {
	t.Helper()
	c := &counted{Store: s}
	rt := start(t, w, c, change...)
	defer rt.Stop()
	purse, err := talix.Load(rt.Context(t.Context()), w.purses, id)
	if err != nil {
		t.Fatal(err)
	}
	return purse, int(c.events.Load())
}

// E10: a load reads one snapshot and the events after it.
func TestSnapshotBoundsALoad(t *testing.T) {
	t.Parallel()
	for _, n := range []int{99, 100, 199, 250, 299} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			s, w := checked(t, memory.Config{}), newWorld()
			fillPurse(t, s, w, "p", n)
			purse, events := loadPurse(t, s, w, "p")
			if purse.State.Coins != n || purse.Version != int64(n) {
				t.Errorf("%d coins at version %d, want %d", purse.State.Coins, purse.Version, n)
			}
			want := n % 100
			if n > 99 {
				want++ // the snapshot's own event, which is held against it
			}
			if events != want {
				t.Errorf("%d events were loaded, want %d", events, want)
			}
		})
	}
}

// A command after a load by snapshot decides on the right version.
func TestCommandAfterASnapshot(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{}), newWorld()
	fillPurse(t, s, w, "p", 150)
	rt := start(t, w, s)
	got, err := talix.Run(rt.Context(t.Context()), w.take, "p", coins{150})
	if err != nil || got.Coins != 0 || got.Version != 151 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSnapshotEveryIsNamedOrSwitchedOff(t *testing.T) {
	t.Parallel()
	every := func(n int) func(*runtime.Config) {
		return func(c *runtime.Config) { c.Entities.SnapshotEvery = n }
	}
	tests := map[string]struct {
		named  int
		change func(*runtime.Config)
		want   int // events loaded
	}{
		"default":         {0, every(0), 51},
		"by the runtime":  {0, every(200), 51},
		"by the type":     {20, every(200), 11},
		"off by the type": {-1, every(20), 250},
		"off":             {0, every(-1), 250},
		"on by the type":  {200, every(-1), 51},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := checked(t, memory.Config{}), newWorld()
			w.purses.SnapshotEvery(test.named)
			fillPurse(t, s, w, "p", 250, test.change)
			if purse, events := loadPurse(t, s, w, "p", test.change); events != test.want || purse.State.Coins != 250 {
				t.Errorf("%d events were loaded and give %d coins, want %d and 250", events, purse.State.Coins, test.want)
			}
		})
	}
}

// rewrite changes the data of a purse's snapshot.
func rewrite(t *testing.T, s store.Store, id string, change func([]byte) []byte) {
	t.Helper()
	r, found := snapshotOf(t, s, id)
	if !found {
		t.Fatal("there is no snapshot")
	}
	r.Data = change(bytes.Clone(r.Data))
	r.Rev[0]++
	commitRecord(t, s, id, store.Change{Record: r, Blind: true})
}

func commitRecord(t *testing.T, s store.Store, id string, c store.Change) {
	t.Helper()
	p := store.PartitionOf(store.Stream{Type: "purse", ID: id}, s.Partitions())
	if o := s.Commit(t.Context(), p, []store.Batch{{Records: []store.Change{c}}})[0]; o.Status != store.Durable {
		t.Fatalf("the change ended as %v (%v)", o.Status, o.Err)
	}
}

// E10: a bad snapshot means a full fold, never a wrong state.
func TestBadSnapshotsArePassedOver(t *testing.T) {
	t.Parallel()
	swap := func(old, new string) func([]byte) []byte {
		return func(b []byte) []byte { return bytes.Replace(b, []byte(old), []byte(new), 1) }
	}
	damage := map[string]func(t *testing.T, s store.Store, w *world){
		"missing": func(t *testing.T, s store.Store, _ *world) {
			r, _ := snapshotOf(t, s, "p")
			commitRecord(t, s, "p", store.Change{Record: r, Op: store.Delete, Blind: true})
		},
		"another number": func(t *testing.T, s store.Store, _ *world) {
			rewrite(t, s, "p", swap(`"Coins":200`, `"Coins":900`))
		},
		"another version": func(t *testing.T, s store.Store, _ *world) {
			rewrite(t, s, "p", swap(`"version":200`, `"version":199`))
		},
		"cut off": func(t *testing.T, s store.Store, _ *world) {
			rewrite(t, s, "p", func(b []byte) []byte { return b[:len(b)-2] })
		},
		"empty": func(t *testing.T, s store.Store, _ *world) { rewrite(t, s, "p", func([]byte) []byte { return nil }) },
		"no JSON": func(t *testing.T, s store.Store, _ *world) {
			rewrite(t, s, "p", func([]byte) []byte { return []byte("{{{\n}") })
		},
		"other code":    func(_ *testing.T, _ store.Store, w *world) { w.purses.CodeVersion(2) },
		"of another id": func(t *testing.T, s store.Store, w *world) { takeSnapshotOf(t, s, w, "p", "q") },
	}
	for name, damage := range damage {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := checked(t, memory.Config{Partitions: 1}), newWorld()
			fillPurse(t, s, w, "p", 250)
			damage(t, s, w)
			purse, events := loadPurse(t, s, w, "p")
			if purse.State.Coins != 250 || purse.Version != 250 || events < 250 {
				t.Errorf("%d coins at version %d from %d events, want 250 from at least 250", purse.State.Coins, purse.Version, events)
			}
			if _, events := loadPurse(t, s, w, "p"); events != 1 { // the load left a good one
				t.Errorf("the next load read %d events, want 1", events)
			}
		})
	}
}

// takeSnapshotOf gives one purse the snapshot of another one.
func takeSnapshotOf(t *testing.T, s store.Store, w *world, id, other string) {
	t.Helper()
	fillPurse(t, s, w, other, 1)
	rt := start(t, w, s)
	for range 99 {
		if _, err := talix.Run(rt.Context(t.Context()), w.put, other, coins{7}); err != nil {
			t.Fatal(err)
		}
	}
	rt.Stop()
	r, found := snapshotOf(t, s, other)
	if !found {
		t.Fatal("there is no snapshot")
	}
	rewrite(t, s, id, func([]byte) []byte { return r.Data })
}

// A part of the store was restored from a backup: the snapshot is ahead of the
// log, or of events that never were in this one.
func TestSnapshotAheadOfTheLog(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 5, 199, 200, 201} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			old, w := memory.New(memory.Config{Partitions: 1}), newWorld()
			fillPurse(t, old, w, "p", 200)
			r, _ := snapshotOf(t, old, "p")
			s := checked(t, memory.Config{Partitions: 1})
			fillPurse(t, s, w, "p", n)
			commitRecord(t, s, "p", store.Change{Record: r, Blind: true})
			if purse, _ := loadPurse(t, s, w, "p"); purse.State.Coins != n {
				t.Errorf("%d coins, want %d", purse.State.Coins, n)
			}
			rt := start(t, w, s)
			if got, err := talix.Run(rt.Context(t.Context()), w.put, "p", coins{1}); err != nil || got.Coins != n+1 {
				t.Errorf("%+v, %v; want %d coins", got, err, n+1)
			}
		})
	}
}

// Sack has the type name and events of a purse, and another state.
type Sack struct{ Weight int }

type PutIn struct {
	Coins int `json:"coins"`
}

func (e PutIn) Apply(s *Sack, _ talix.Meta) { s.Weight += 3 * e.Coins }

func TestChangedStateIsFoldedAnew(t *testing.T) {
	t.Parallel()
	s, w := checked(t, memory.Config{}), newWorld()
	fillPurse(t, s, w, "p", 150)
	sacks := talix.NewEntity("purse", talix.Event[PutIn]("PURSE:PUT"))
	rt, err := runtime.New(t.Context(), runtime.Config{Store: s, Parts: []talix.Part{talix.Service{Name: "sacks", Components: talix.Components{sacks}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Stop()
	if sack, err := talix.Load(rt.Context(t.Context()), sacks, "p"); err != nil || sack.State.Weight != 450 {
		t.Errorf("%+v, %v; want 450", sack.State, err)
	}
}

// E10: a failed snapshot never fails a command, and what reads of it fails is
// done without.
func TestFailedSnapshotsHarmNoCommand(t *testing.T) {
	t.Parallel()
	away := errors.New("the disk is full")
	for _, kind := range []memory.Kind{memory.Fail, memory.UnknownLost, memory.UnknownWritten, memory.UnknownLate} {
		t.Run(fmt.Sprint(kind), func(t *testing.T) {
			t.Parallel()
			s := checked(t, memory.Config{
				Fault: func(_ store.Partition, batches []store.Batch) memory.Fault {
					for _, b := range batches { // those of a group share the fault
						if len(b.Records) == 0 || b.Records[0].Space != "snapshot" {
							return memory.Fault{}
						}
					}
					return memory.Fault{Kind: kind, Err: away}
				},
				ReadFault: func(method string) error {
					if method == "Record" {
						return away
					}
					return nil
				},
			})
			w := newWorld()
			every := func(c *runtime.Config) { c.Entities.SnapshotEvery = 5 }
			fillPurse(t, s, w, "p", 42, every)
			if purse, events := loadPurse(t, s, w, "p", every); purse.State.Coins != 42 || events != 42 {
				t.Errorf("%d coins from %d events, want 42", purse.State.Coins, events)
			}
		})
	}
}

// Whatever goes wrong, and whoever else writes: each snapshot leads to what all
// events lead to.
func TestSnapshotsAreOfDurableStates(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			var quiet atomic.Bool
			s := checked(t, memory.Config{Fault: randomFaults(seed, &quiet)})
			every := func(c *runtime.Config) { c.Entities.SnapshotEvery = 2 }
			var all sync.WaitGroup
			for range 2 {
				w := newWorld()
				rt := start(t, w, s, every)
				for i := range 4 {
					all.Go(func() {
						for n := range 40 {
							ctx := rt.Context(t.Context())
							_, _ = talix.Run(ctx, w.put, fmt.Sprint("p", i%2), coins{1 + n%3})
							_, _ = talix.Run(ctx, w.add, fmt.Sprint("s", i%2), fmt.Sprint(n%5))
						}
					})
				}
			}
			all.Wait()
			quiet.Store(true)
			rt := start(t, newWorld(), s, every)
			for _, typ := range []string{"purse", "shelf"} {
				for d, err := range rt.Entities().Verify(t.Context(), typ) {
					t.Errorf("%+v, %v", d, err)
				}
			}
			if r, found := snapshotOf(t, s, "p0"); !found {
				t.Errorf("no snapshot was made: %s", r.Data)
			}
		})
	}
}

func randomFaults(seed uint64, quiet *atomic.Bool) func(store.Partition, []store.Batch) memory.Fault {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 7))
	return func(store.Partition, []store.Batch) memory.Fault {
		mu.Lock()
		defer mu.Unlock()
		if quiet.Load() || random.IntN(4) > 0 {
			return memory.Fault{}
		}
		return memory.Fault{Kind: memory.Kind(random.IntN(4)) + 1, Err: errors.New("a fault")}
	}
}

// A load that read too much leaves a snapshot: where none was written, or where
// it was slow.
func TestLoadsLeaveSnapshots(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		events int
		change func(*runtime.Config)
		next   int
	}{
		"many events":     {150, func(*runtime.Config) {}, 1},
		"few events":      {50, func(*runtime.Config) {}, 50},
		"slow":            {50, func(c *runtime.Config) { c.Entities.SlowLoad = 1 }, 1},
		"slow, but short": {5, func(c *runtime.Config) { c.Entities.SlowLoad = 1 }, 5},
		"slow, but off":   {50, func(c *runtime.Config) { c.Entities.SlowLoad, c.Entities.SnapshotEvery = 1, -1 }, 50},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, w := checked(t, memory.Config{}), newWorld()
			fillPurse(t, s, w, "p", test.events, func(c *runtime.Config) { c.Entities.SnapshotEvery = -1 })
			for i, want := range []int{test.events, test.next} {
				if purse, events := loadPurse(t, s, w, "p", test.change); events != want || purse.State.Coins != test.events {
					t.Errorf("load %d read %d events and gave %d coins, want %d and %d", i, events, purse.State.Coins, want, test.events)
				}
			}
		})
	}
}

// Chest shows what JSON may lose.
type Chest struct {
	Notes   []Remark
	Newest  *Remark
	Hidden  hidden
	private bool
}

type Remark struct{ Text string }

// hidden writes JSON that it does not read again.
type hidden struct{ n int }

func (h hidden) MarshalJSON() ([]byte, error)  { return json.Marshal(h.n % 10) }
func (h *hidden) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &h.n) }
func (c Chest) MarshalJSON() ([]byte, error)   { type plain Chest; return json.Marshal(plain(c)) }
func (c *Chest) UnmarshalJSON(b []byte) error {
	type plain Chest
	return json.Unmarshal(b, (*plain)(c))
}
func (c Chest) Clone() Chest {
	if c.private {
		panic("no copy of this")
	}
	c.Notes = append([]Remark(nil), c.Notes...)
	return c
}

type Noted struct{ Text string }

func (e Noted) Apply(c *Chest, m talix.Meta) {
	c.Notes = append(c.Notes, Remark(e))
	switch e.Text {
	case "lossy":
		c.Hidden.n = 123
	case "alias":
		c.Newest = &c.Notes[len(c.Notes)-1]
	case "empty":
		c.Notes = []Remark{}
	case "private":
		c.private = true
	}
}

// A state that JSON does not give back is never trusted to a snapshot.
func TestStatesThatJSONDoesNotGiveBack(t *testing.T) {
	t.Parallel()
	for text, kept := range map[string]bool{"plain": true, "empty": true, "lossy": false, "alias": false, "private": false} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			chests := talix.NewEntity("chest", talix.Event[Noted]("CHEST:NOTED")).SnapshotEvery(3)
			note := talix.NewCommand(chests, "note", func(c talix.CommandContext[Chest], text string) (int64, error) {
				c.Emit(Noted{text})
				return c.Version(), nil
			})
			s := checked(t, memory.Config{})
			rt, err := runtime.New(t.Context(), runtime.Config{Store: s, Parts: []talix.Part{talix.Service{Name: "chests", Components: talix.Components{chests, note}}}})
			if err != nil {
				t.Fatal(err)
			}
			for range 4 {
				if _, err := talix.Run(rt.Context(t.Context()), note, "c", text); err != nil {
					t.Fatal(err)
				}
			}
			rt.Stop()
			if _, found := recordOf(t, s, store.Stream{Type: "chest", ID: "c"}); found != kept {
				t.Errorf("a snapshot was kept: %t, want %t", found, kept)
			}
		})
	}
}

func TestSnapshotPlansSayWhyNot(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.purses.SnapshotEvery(7)
	w.extra = talix.Components{talix.NewEntity("odd", talix.Event[oddEvent]("ODD:EVENT")), talix.NewEntity("vague", talix.Event[vagueEvent]("VAGUE:EVENT"))}
	rt := start(t, w, checked(t, memory.Config{}))
	var said []string
	for _, p := range rt.Entities().Snapshots() {
		said = append(said, fmt.Sprintf("%s %d %s%s", p.EntityType, p.Every, p.None, p.OnlyLoaded))
	}
	got := strings.Join(said, "\n")
	const want = `purse 7 
shelf 100 
odd 0 its field Any is interface {}, which JSON does not give back
vague 100 event VAGUE:EVENT: its field Tags is left out of JSON when it is empty`
	if got != want {
		t.Errorf("it says\n%s\nwant\n%s", got, want)
	}
}

type oddState struct{ Any any }
type oddEvent struct{}

func (oddEvent) Apply(*oddState, talix.Meta) {}

type vagueState struct{ N int }
type vagueEvent struct {
	Tags []string `json:",omitempty"`
}

func (vagueEvent) Apply(s *vagueState, _ talix.Meta) { s.N++ }

// Mood is what events add up to that are not what they were, once stored.
type Mood struct {
	Sum   int
	Lines []Line
}

type Line struct{ Amount int }

// Felt is taken at its word, and does not keep it.
type Felt struct{ N hidden }

func (e Felt) Apply(m *Mood, _ talix.Meta) {
	m.Sum += e.N.n
	m.Lines = append(m.Lines, Line{e.N.n})
}

func TestVerifyNamesDifferences(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{Partitions: 1})
	moods := talix.NewEntity("mood", talix.Event[Felt]("MOOD:FELT")).SnapshotEvery(2)
	feel := talix.NewCommand(moods, "feel", func(c talix.CommandContext[Mood], n int) (int, error) {
		c.Emit(Felt{hidden{n}})
		return c.State().Sum, nil
	})
	w := newWorld()
	w.extra = talix.Components{moods, feel}
	rt := start(t, w, s)
	for id, n := range map[string]int{"good": 3, "bad": 13} {
		for range 2 {
			if _, err := talix.Run(rt.Context(t.Context()), feel, id, n); err != nil {
				t.Fatal(err)
			}
		}
	}
	rt.Stop()

	rt = start(t, w, s)
	if _, err := talix.Run(rt.Context(t.Context()), feel, "bad", 1); err != nil {
		t.Fatal(err)
	}
	var got []string
	for d, err := range rt.Entities().Verify(t.Context(), "mood") {
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range d.Fields {
			got = append(got, fmt.Sprintf("%s@%d/%d %s %s %s", d.EntityID, d.Snapshot, d.Version, f.Path, f.Snapshot, f.Events))
		}
	}
	want := []string{"bad@2/3 Lines[0].Amount 13 3", "bad@2/3 Lines[1].Amount 13 3", "bad@2/3 Sum 27 7"}
	if !slices.Equal(got, want) {
		t.Errorf("Verify says %q, want %q", got, want)
	}
	for d, err := range rt.Entities().Verify(t.Context(), "mood", "good", "unknown") {
		t.Errorf("a difference where none is: %+v, %v", d, err)
	}
	for _, err := range rt.Entities().Verify(t.Context(), "none") {
		if !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("Verify of an unknown type: %v", err)
		}
	}
}
