package runtime_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// mails are what an action tells an outside system.
type mails struct {
	mu       sync.Mutex
	sent     map[string][]int64 // versions by entity
	replayed map[string][]int64
	ids      map[store.ID]int // deliveries
	broken   bool
}

func (m *mails) action(w *world) talix.Part {
	return talix.OnEvent("mail", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
		if _, err := talix.Run(ctx, w.add, "mails", e.EntityID); err != nil {
			return err
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.broken && e.EntityID == "p2" && e.Version == 3 {
			return errors.New("a bug")
		}
		sent := m.sent
		if ctx.Replay() {
			sent = m.replayed
		}
		sent[e.EntityID] = append(sent[e.EntityID], e.Version)
		m.ids[ctx.DeliveryID()]++
		return nil
	}, talix.Attempts(2))
}

func newMails() *mails {
	return &mails{sent: map[string][]int64{}, replayed: map[string][]int64{}, ids: map[store.ID]int{}}
}

func (m *mails) poured(entity string) []int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.replayed[entity])
}

// pourWorld is a runtime with five entities of six events each, all mailed.
func pourWorld(t *testing.T, s store.Store) (*world, *mails, *runtime.Runtime) {
	t.Helper()
	w, m := newWorld(), newMails()
	w.extra = talix.Components{m.action(w)}
	rt := start(t, w, s)
	for v := range 6 {
		for p := range 5 {
			fill(t, w, rt, fmt.Sprint("p", p), 1+v)
		}
	}
	rest(time.Minute)
	return w, m, rt
}

func rest(d time.Duration) {
	<-time.After(d) // of the bubble
	synctest.Wait()
}

func pourStatus(t *testing.T, rt *runtime.Runtime, name string) runtime.PourStatus {
	t.Helper()
	s, err := rt.Pours().Status(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Effects happen again, once for each pour, in order, and are told apart.
func TestPour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		_, m, rt := pourWorld(t, s)
		pour := runtime.Pour{Name: "again", Actions: []string{"mail"}, EntityIDs: []string{"p1", "p2"}}
		for range 2 { // the second one is the same
			if err := rt.Pours().Start(t.Context(), pour); err != nil {
				t.Fatal(err)
			}
			rest(time.Minute)
		}
		for entity, want := range map[string]string{"p1": "[1 2 3 4 5 6]", "p2": "[1 2 3 4 5 6]", "p3": "[]"} {
			if got := fmt.Sprint(m.poured(entity)); got != want {
				t.Errorf("%s was poured as %s", entity, got)
			}
		}
		if got := pourStatus(t, rt, "again"); got.Status != "done" || got.Events != 12 || got.Done != got.Total || got.Total == 0 {
			t.Errorf("%+v", got)
		}
		wantMailed(t, s, 30+12)
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "third", Actions: pour.Actions, EntityIDs: pour.EntityIDs}); err != nil {
			t.Fatal(err)
		}
		rest(time.Minute)
		wantMailed(t, s, 30+24)
		m.mu.Lock()
		defer m.mu.Unlock()
		if len(m.ids) != 30+24 {
			t.Errorf("%d ids of deliveries", len(m.ids))
		}
	})
}

// wantMailed counts the effects of commands that the action ran.
func wantMailed(t *testing.T, s store.Store, want int) {
	t.Helper()
	n := 0
	for _, err := range s.Load(t.Context(), store.Stream{Type: "shelf", ID: "mails"}, 0) {
		if err != nil {
			t.Fatal(err)
		}
		n++
	}
	if n != want {
		t.Errorf("the commands of the action had %d effects, want %d", n, want)
	}
}

func TestPourByTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w, m, rt := pourWorld(t, checked(t, memory.Config{}))
		from := time.Now()
		fill(t, w, rt, "p1", 1)
		rest(time.Minute)
		until := time.Now()
		fill(t, w, rt, "p1", 1)
		rest(time.Minute)
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "a-minute", Actions: []string{"mail"}, From: from, Until: until}); err != nil {
			t.Fatal(err)
		}
		rest(time.Minute)
		if got := fmt.Sprint(m.poured("p1"), m.poured("p2")); got != "[7] []" {
			t.Errorf("poured: %s", got)
		}
	})
}

// What fails parks with what comes after it, over a restart, until it is
// retried or skipped; commands have their effect once all the same.
func TestPourParks(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(t *testing.T, m *mails, rt *runtime.Runtime, id string){
		"[1 2 3 4 5 6]": func(t *testing.T, m *mails, rt *runtime.Runtime, id string) {
			m.mu.Lock()
			m.broken = false
			m.mu.Unlock()
			if n, err := rt.Work().Replay(t.Context(), "mail"); n != 1 || err != nil {
				t.Errorf("replayed %d, %v", n, err)
			}
		},
		"[1 2 4 5 6]": func(t *testing.T, _ *mails, rt *runtime.Runtime, id string) {
			if err := rt.Work().Skip(t.Context(), id); err != nil {
				t.Error(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := checked(t, memory.Config{})
				w, m, rt := pourWorld(t, s)
				m.broken = true
				if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "again", Actions: []string{"mail"}}); err != nil {
					t.Fatal(err)
				}
				rest(time.Hour)
				rt.Stop()
				rt = start(t, w, s)
				rest(time.Hour)
				status := pourStatus(t, rt, "again")
				if status.Status != "parked" || len(status.Stuck) != 1 || !strings.Contains(status.Error, "a bug") {
					t.Fatalf("%+v", status)
				}
				mend(t, m, rt, status.Stuck[0])
				rest(time.Hour)
				if got := fmt.Sprint(m.poured("p2")); got != name {
					t.Errorf("p2 was poured as %s", got)
				}
				if status := pourStatus(t, rt, "again"); status.Status != "done" {
					t.Errorf("%+v", status)
				}
				wantMailed(t, s, 60)
			})
		})
	}
}

// Stopped again and again, a pour goes on; each event is poured.
func TestPourSurvivesRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{Partitions: 1})
		w, m, rt := pourWorld(t, s)
		for range 40 {
			fill(t, w, rt, "p0", 1)
		}
		rest(time.Minute)
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "again", Actions: []string{"mail"}}); err != nil {
			t.Fatal(err)
		}
		for range 10 {
			rt.Stop()
			rt = start(t, w, s)
		}
		rest(time.Minute)
		if status := pourStatus(t, rt, "again"); status.Status != "done" {
			t.Errorf("%+v", status)
		}
		got := m.poured("p0")
		slices.Sort(got)
		if all := slices.Compact(got); len(all) != 46 {
			t.Errorf("%d events were poured", len(all))
		}
		wantMailed(t, s, 2*(30+40))
	})
}

func TestPourIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		_, m, rt := pourWorld(t, s)
		m.broken = true
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "again", Actions: []string{"mail"}}); err != nil {
			t.Fatal(err)
		}
		rest(time.Hour)
		if err := rt.Pours().Cancel(t.Context(), "again"); err != nil {
			t.Fatal(err)
		}
		rest(time.Minute)
		if status := pourStatus(t, rt, "again"); status.Status != "cancelled" {
			t.Errorf("%+v", status)
		}
		if got := fmt.Sprint(m.poured("p2")); got != "[1 2]" {
			t.Errorf("p2 was poured as %s", got)
		}
		if items, err := rt.Work().List(t.Context(), runtime.WorkFilter{}); err != nil || len(items) > 0 {
			t.Errorf("left over: %+v, %v", items, err)
		}
	})
}

func TestPourIsChecked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, _, rt := pourWorld(t, checked(t, memory.Config{}))
		for _, p := range []runtime.Pour{{}, {Name: "a/b c", Actions: []string{"mail"}}, {Name: "a"}, {Name: "a", Actions: []string{"none"}}} {
			if err := rt.Pours().Start(t.Context(), p); !errors.Is(err, talix.ErrInvalid) {
				t.Errorf("%+v: %v", p, err)
			}
		}
		if _, err := rt.Pours().Status(t.Context(), "a"); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("status of none: %v", err)
		}
		if err := rt.Pours().Cancel(t.Context(), "a"); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("cancel of none: %v", err)
		}
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "a", Actions: []string{"mail"}, EntityIDs: []string{"p1"}}); err != nil {
			t.Fatal(err)
		}
		if err := rt.Pours().Start(t.Context(), runtime.Pour{Name: "a", Actions: []string{"mail"}}); !errors.Is(err, talix.ErrRejected) {
			t.Errorf("another pour of the same name: %v", err)
		}
	})
}
