package snapshot_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

type (
	plain struct {
		A int
		B string
		T time.Time
		M map[string][]int
		P *plain // refers to its own type
		N map[netip.Addr]big.Int
		R json.RawMessage
		I map[uint8]*big.Int
	}
	pointerJSON struct{ n int }
	inMap       struct{ M map[string]pointerJSON }
	writesOnly  struct{ n int }
)

func (p *pointerJSON) MarshalJSON() ([]byte, error) { return json.Marshal(p.n) }

func (p *pointerJSON) UnmarshalJSON(b []byte) error { return json.Unmarshal(b, &p.n) }

func (w writesOnly) MarshalJSON() ([]byte, error) { return json.Marshal(w.n) }

func TestWhole(t *testing.T) {
	t.Parallel()
	tests := []struct {
		value any
		whole string // why not, for states
		exact string // why not, for events
	}{
		{struct{ M map[string][]time.Time }{}, "", ""},
		{struct{ P *plain }{}, "N", "N"}, // a big.Int in a map can't be written by its pointer method
		{struct{ R json.RawMessage }{}, "", "raw JSON"},
		{pointerJSON{}, "", "not both"},
		{struct{ I map[int8]*big.Int }{}, "", ""},
		{inMap{}, "not both", "not both"},
		{writesOnly{}, "not both", "not both"},
		{struct{ A any }{}, "interface", "interface"},
		{struct{ F func() }{}, "func", "func"},
		{struct{ C chan int }{}, "chan", "chan"},
		{struct{ C complex64 }{}, "complex", "complex"},
		{struct{ a int }{}, "not exported", "not exported"},
		{struct {
			A int `json:"-"`
		}{}, "left out", "left out"},
		{struct{ M map[float64]int }{}, "keys", "keys"},
		{struct{ M map[struct{ A int }]int }{}, "keys", "keys"},
		{struct{ M map[netip.Addr]int }{}, "", ""},
		{struct {
			A []int `json:"a,omitempty"`
		}{}, "", "when it is empty"},
		{struct {
			A string `json:"a,omitempty"`
		}{}, "", ""},
		{struct {
			T time.Time `json:",omitzero"`
		}{}, "", ""},
		{struct {
			Deep struct{ Deeper []struct{ F func() } }
		}{}, "Deep.Deeper.F", "Deep.Deeper.F"},
	}
	for _, test := range tests {
		typ := reflect.TypeOf(test.value)
		check(t, "Whole", typ, snapshot.Whole(typ), test.whole)
		check(t, "Exact", typ, snapshot.Exact(typ), test.exact)
	}
}

func check(t *testing.T, name string, typ reflect.Type, err error, want string) {
	t.Helper()
	if got := fmt.Sprint(err); (err == nil) != (want == "") || !strings.Contains(got, want) && want != "" {
		t.Errorf("%s(%v) says %s, want %q", name, typ, got, want)
	}
}

type tree struct {
	Name     string
	Children []*tree
	Byname   map[string]*tree
	Ages     [2]*int
	When     *time.Time
	Tags     []string
	More     []string
}

func TestTree(t *testing.T) {
	t.Parallel()
	one, now, words := new(int), time.Now(), []string{"a", "b", "c"}
	leaf := &tree{Name: "leaf"}
	ring := &tree{}
	ring.Children = []*tree{ring}
	tests := map[string]struct {
		state *tree
		want  bool
	}{
		"empty":            {&tree{}, true},
		"tree":             {&tree{Children: []*tree{leaf, {}}, Ages: [2]*int{one, new(int)}, When: &now, Tags: words}, true},
		"twice":            {&tree{Children: []*tree{leaf, leaf}}, false},
		"list and map":     {&tree{Children: []*tree{leaf}, Byname: map[string]*tree{"leaf": leaf}}, false},
		"in an array":      {&tree{Ages: [2]*int{one, one}}, false},
		"ring":             {ring, false},
		"same list":        {&tree{Tags: words, More: words[:1]}, false},
		"part of a list":   {&tree{Tags: words, More: words[1:]}, false},
		"empty lists":      {&tree{Tags: []string{}, More: []string{}}, true},
		"a copy of a list": {&tree{Tags: words, More: append([]string(nil), words...)}, true},
	}
	for name, test := range tests {
		if got := snapshot.Tree(test.state); got != test.want {
			t.Errorf("%s: Tree says %t", name, got)
		}
	}
}

type (
	v1 struct{ N int }
	v2 struct{ N int64 }
	v3 struct{ M int }
	v4 struct {
		N int `json:"n"`
	}
	nested struct{ In []v1 }
	event1 struct{ N int }
	event2 struct{ N string }
)

func TestFingerprintTellsReducersApart(t *testing.T) {
	t.Parallel()
	entity := func(state any, version int, events ...registry.Event) *registry.Entity {
		e := &registry.Entity{Type: "thing", State: reflect.TypeOf(state), CodeVersion: version}
		for i := range events {
			e.Events = append(e.Events, &events[i])
		}
		return e
	}
	event := func(typ string, schema int, v any) registry.Event {
		return registry.Event{Type: typ, Schema: schema, Go: reflect.TypeOf(v)}
	}
	past := func(name string, p registry.Past) *registry.Entity {
		e := entity(v1{}, 1)
		e.Past = map[string]*registry.Past{name: &p}
		return e
	}
	skipping := entity(v1{}, 1)
	skipping.SkipUnknown = true
	shape := func(v any, splits bool) registry.Past {
		return registry.Past{Name: "A", Shapes: []registry.Shape{{Go: reflect.TypeOf(v), Splits: splits}}}
	}
	all := []*registry.Entity{
		skipping, past("A", registry.Past{Name: "A", Retired: true}), past("B", registry.Past{Name: "B", Retired: true}),
		past("B", registry.Past{Name: "A", Retired: true}), past("A", shape(event1{}, true)), past("A", shape(event1{}, false)),
		past("A", shape(event2{}, true)), past("A", shape(nil, true)),
		entity(v1{}, 1), entity(v2{}, 1), entity(v3{}, 1), entity(v4{}, 1), entity(nested{}, 1), entity(v1{}, 2),
		entity(v1{}, 1, event("A", 1, event1{})), entity(v1{}, 1, event("B", 1, event1{})),
		entity(v1{}, 1, event("A", 2, event1{})), entity(v1{}, 1, event("A", 1, event2{})),
		entity(v1{}, 1, event("A", 1, event1{}), event("B", 1, event2{})),
	}
	known := map[string]int{}
	for i, e := range all {
		f := snapshot.Fingerprint(e)
		if other, there := known[f]; there {
			t.Errorf("reducers %d and %d have one fingerprint", other, i)
		}
		if f != snapshot.Fingerprint(e) {
			t.Errorf("reducer %d has another fingerprint now", i)
		}
		known[f] = i
	}
}

// writer is a store whose commits wait, with snapshots of numbers.
type writer struct {
	*snapshot.Snapshots
	store *memory.Store
	def   *registry.Entity
	open  func()
}

func newWriter(t *testing.T, change func(*snapshot.Config)) *writer {
	gate := make(chan struct{})
	w := &writer{open: sync.OnceFunc(func() { close(gate) })}
	w.store = memory.New(memory.Config{Partitions: 1, Fault: func(store.Partition, []store.Batch) memory.Fault {
		<-gate
		return memory.Fault{}
	}})
	group := commit.Start(commit.Config{Store: w.store, Publish: func(store.Partition, []*store.Event) {}})
	w.def = &registry.Entity{
		Type: "thing", State: reflect.TypeFor[v1](), New: func() any { return new(v1) }, CodeVersion: 1,
	}
	cfg := snapshot.Config{
		Store: w.store, Partitions: 1,
		Submit: func(_ *registry.Entity, _ store.Stream, put store.Change) *commit.Pending {
			return group.Submit(store.Batch{Records: []store.Change{put}}, nil)
		},
		NewRev: func() store.ID { return store.ID{1} }, Log: slog.New(slog.DiscardHandler), Entities: []*registry.Entity{w.def},
	}
	change(&cfg)
	w.Snapshots = snapshot.New(cfg)
	t.Cleanup(func() { w.open(); w.Close(); group.Close() })
	return w
}

func (w *writer) offer(id string, n, size int) {
	w.Offer(snapshot.Picture{
		Stream: store.Stream{Type: "thing", ID: id}, State: &v1{n}, Version: store.Version(n), Size: size, Plan: w.Plan(w.def),
	})
}

// written are the ids that have a snapshot, with its version.
func (w *writer) written(t *testing.T) string {
	t.Helper()
	w.open()
	w.Close()
	var all []string
	for id, err := range w.All(t.Context(), 0, w.def) {
		if err != nil {
			t.Fatal(err)
		}
		p, ok := w.Load(t.Context(), w.Plan(w.def), store.Stream{Type: "thing", ID: id})
		if !ok || p.State.(*v1).N != int(p.Version) {
			t.Errorf("%s: %+v, %t", id, p, ok)
		}
		all = append(all, fmt.Sprintf("%s:%d", id, p.Version))
	}
	return strings.Join(all, " ")
}

// A slow store holds up nothing, and memory is bounded: what is too much is
// dropped. The newest of an entity stands.
func TestWaitingSnapshotsAreBounded(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change func(*snapshot.Config)
		size   int
		most   int
	}{
		"by count": {func(c *snapshot.Config) { c.MaxQueue = 3 }, 10, 3},
		"by bytes": {func(c *snapshot.Config) { c.MaxBytes = 30 }, 10, 3},
		"by size":  {func(c *snapshot.Config) { c.MaxSize = 5 }, 10, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWriter(t, test.change)
			for i := range 100 {
				w.offer(fmt.Sprint("x", i), 1, test.size)
			}
			if w.Room(test.size) && test.most > 0 {
				t.Error("there is room")
			}
			written := len(strings.Fields(w.written(t)))
			if written < test.most || written > test.most+16+test.most {
				t.Errorf("%d snapshots were written of a queue of %d", written, test.most)
			}
		})
	}
}

func TestNewestSnapshotOfAnEntityStands(t *testing.T) {
	t.Parallel()
	w := newWriter(t, func(*snapshot.Config) {})
	for i := range 40 {
		w.offer("a", i+1, 1)
		w.offer("b", 40-i, 1)
	}
	got := w.written(t)
	if a, _, _ := strings.Cut(got, " "); a != "a:40" {
		t.Errorf("written: %s", got)
	}
	w.offer("late", 1, 1) // after Close: nothing happens
}

// What waits is forgotten by its entity type, and makes room.
func TestForgettingWhatWaits(t *testing.T) {
	t.Parallel()
	for _, of := range []bool{true, false} {
		w := newWriter(t, func(c *snapshot.Config) { c.MaxQueue = 20 })
		for i := range 20 + 16 {
			w.offer(fmt.Sprintf("x%02d", i), 1, 1)
		}
		w.Forget(func(*registry.Entity) bool { return of })
		w.offer("y", 2, 1)
		// Those on their way to the store were let go of before.
		if n := len(strings.Fields(w.written(t))); of && n > 16+1 || !of && n < 20 {
			t.Errorf("forget %t: %d are written", of, n)
		}
	}
}

func TestKeysOfTypesAreApart(t *testing.T) {
	t.Parallel()
	a, _ := snapshot.Key(store.Stream{Type: "a/b", ID: "c"})
	b, _ := snapshot.Key(store.Stream{Type: "a", ID: "b/c"})
	if a == b {
		t.Errorf("both are %s", a)
	}
	if _, fits := snapshot.Key(store.Stream{Type: "a", ID: strings.Repeat("x", store.MaxKey)}); fits {
		t.Error("a key that is too long fits")
	}
	if _, fits := snapshot.Removal(store.Stream{Type: "a", ID: "x"}); !fits {
		t.Error("nothing is removed")
	}
}
