package seal_test

import (
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/seal"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/storetest"
	"github.com/talix-dev/talix/vault"
)

// The seal is not to be noticed by those who have nothing personal.
func TestStoreIsAStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, storetest.Factory{Open: func(t *testing.T, _ string) (store.Store, error) {
		return setUp(t).box.Around(memory.New(memory.Config{}), map[string]*seal.Plan{"X": plan[child](t)}), nil
	}})
}

// stores are a sealed store, and the one within.
type stores struct {
	*fixture
	outer *seal.Store
	inner *memory.Store
}

func setUpStores(t *testing.T) *stores {
	f, inner := setUp(t), memory.New(memory.Config{Partitions: 1})
	return &stores{f, f.box.Around(inner, map[string]*seal.Plan{"PERSONAL": plan[child](t)}), inner}
}

// batch appends events with the names; those of a plain one have an X before.
func batch(entity string, after store.Version, names ...string) store.Batch {
	s := store.Stream{Type: "person", ID: entity}
	a := store.Append{Stream: s, Expect: after}
	for i, name := range names {
		e := store.Event{
			ID: store.ID{1, byte(after), byte(i)}, Stream: s, Version: after + store.Version(i) + 1, Type: "PERSONAL", Schema: 1,
			Time: time.Unix(1, 0).UTC(), Command: store.ID{2, byte(after)}, Data: []byte(`{"name":"` + name + `"}`),
		}
		if strings.HasPrefix(name, "X") {
			e.Type = "PLAIN"
		}
		a.Events = append(a.Events, e)
	}
	return store.Batch{Appends: []store.Append{a}, Key: store.ID{byte(after), 7, entity[0]}, Time: time.Unix(1, 0).UTC()}
}

func (s *stores) commit(batches ...store.Batch) (statuses []store.Status) {
	for _, o := range s.outer.Commit(s.Context(), 0, batches) {
		statuses = append(statuses, o.Status)
	}
	return statuses
}

func log(t *testing.T, s store.Store) (all []string) {
	t.Helper()
	events, err := s.Log(t.Context(), 0, 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		all = append(all, e.Stream.ID+string(e.Data))
	}
	return all
}

func TestStoreSealsEvents(t *testing.T) {
	t.Parallel()
	s := setUpStores(t)
	b := batch("ann", 0, "secret", "Xplain", "secret")
	batches := []store.Batch{b}
	before := slices.Clone(b.Appends[0].Events)
	if got := s.commit(batches...); got[0] != store.Durable {
		t.Fatal(got)
	}
	for i, e := range batches[0].Appends[0].Events {
		if e.Position == 0 {
			t.Errorf("event %d does not tell where it stands", i)
		}
		e.Position, e.Partition = 0, 0
		if !reflect.DeepEqual(e, before[i]) {
			t.Errorf("the caller's event %d was changed: %s", i, e.Data)
		}
	}
	if got := log(t, s.inner); strings.Contains(strings.Join(got, ""), "secret") || !strings.Contains(got[1], "plain") {
		t.Errorf("what is stored is %v", got)
	}
	want := []string{`ann{"name":"secret"}`, `ann{"name":"Xplain"}`, `ann{"name":"secret"}`}
	if got := log(t, s.outer); !slices.Equal(got, want) {
		t.Errorf("the log is %v", got)
	}
	s.erase("ann")
	want[0], want[2] = `ann{"name":null}`, `ann{"name":null}`
	if got := log(t, s.outer); !slices.Equal(got, want) {
		t.Errorf("after the erasure the log is %v", got)
	}
	var loaded []string
	for e, err := range s.outer.Load(t.Context(), b.Appends[0].Stream, 1) {
		if err != nil {
			t.Fatal(err)
		}
		loaded = append(loaded, "ann"+string(e.Data))
	}
	if !slices.Equal(loaded, want[1:]) {
		t.Errorf("after the erasure the entity is %v", loaded)
	}
}

// One that can't be sealed takes with it what was decided on it, and no one else.
func TestStoreFailsWhatCannotBeSealed(t *testing.T) {
	t.Parallel()
	s := setUpStores(t)
	s.erase("ann")
	batches := []store.Batch{batch("bob", 0, "b"), batch("ann", 0, "a"), batch("ann", 1, "Xa"), batch("ann", 0, "Xa"), batch("cid", 0, "Xc")}
	outcomes := s.outer.Commit(t.Context(), 0, batches)
	var got []store.Status
	for _, o := range outcomes {
		got = append(got, o.Status)
	}
	want := []store.Status{store.Durable, store.Failed, store.Conflict, store.Conflict, store.Durable}
	if !slices.Equal(got, want) || !errors.Is(outcomes[1].Err, vault.ErrErased) {
		t.Fatalf("the outcomes are %v, %v, want %v", got, outcomes[1].Err, want)
	}
	if got := log(t, s.outer); !slices.Equal(got, []string{`bob{"name":"b"}`, `cid{"name":"Xc"}`}) {
		t.Errorf("the log is %v", got)
	}
	if got := s.commit(batch("ann", 0, "Xa")); got[0] != store.Durable {
		t.Errorf("what is not personal can't be written: %v", got)
	}
}

// An append whose outcome is not known is tried again as it was, and sealed anew.
func TestStoreTakesTheSameBatchAgain(t *testing.T) {
	t.Parallel()
	s := setUpStores(t)
	b := batch("ann", 0, "secret")
	if got := s.commit(b, b); !slices.Equal(got, []store.Status{store.Durable, store.Duplicate}) {
		t.Fatal(got)
	}
	b.Key, b.Fresh = b.Appends[0].Events[0].Command, true
	if got := s.commit(b); got[0] != store.Duplicate {
		t.Fatal(got)
	}
}

// Values of a user's own that look as if they were sealed come back as they are,
// from events that have nothing personal too.
func TestStoreKeepsWhatLooksSealed(t *testing.T) {
	t.Parallel()
	s := setUpStores(t)
	s.commit(batch("ann", 0, "secret"))
	stolen := strings.TrimPrefix(log(t, s.inner)[0], "ann")
	b := batch("bob", 0, "Xb")
	b.Appends[0].Events[0].Data = []byte(stolen)
	if got := s.commit(b); got[0] != store.Durable {
		t.Fatal(got)
	}
	if got := log(t, s.outer)[1]; got != "bob"+stolen {
		t.Errorf("it came back as %s", got)
	}
}

func TestStoreOpensEventsFromTheEnd(t *testing.T) {
	t.Parallel()
	s := setUpStores(t)
	s.commit(batch("ann", 0, "Ann", "Xa"), batch("ann", 2, "Anne"))
	name := store.Stream{Type: "person", ID: "ann"}
	var got []string
	for e, err := range s.outer.LoadBack(t.Context(), name, 0) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(e.Data))
	}
	if want := []string{`{"name":"Anne"}`, `{"name":"Xa"}`, `{"name":"Ann"}`}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for e, err := range s.inner.LoadBack(t.Context(), name, 0) {
		if err != nil || strings.Contains(string(e.Data), "Ann") {
			t.Errorf("in the store stands %s, %v", e.Data, err)
		}
	}
}
