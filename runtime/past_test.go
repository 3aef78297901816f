package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/table"
)

// Jar is a state whose events have a past.
type Jar struct {
	Cents  int
	Closed bool
}

type jarPut struct {
	Cents int    `json:"cents"`
	By    string `json:"by"`
}

func (e jarPut) Apply(j *Jar, _ talix.Meta) { j.Cents += e.Cents }

type jarTaken struct {
	Cents int `json:"cents"`
}

func (e jarTaken) Apply(j *Jar, _ talix.Meta) { j.Cents -= e.Cents }

type jarClosed struct{}

func (jarClosed) Apply(j *Jar, _ talix.Meta) { j.Closed = true }

// What was stored once.
type (
	jarPutV1 struct {
		Euros int `json:"euros"`
	}
	jarPutV2 struct {
		Cents int `json:"cents"`
	}
	jarMoved struct {
		Out int `json:"out"`
		In  int `json:"in"`
	}
)

func jars() *talix.Entity[Jar] {
	return talix.NewEntity("jar",
		talix.Event[jarPut]("JAR:PUT",
			talix.Was(func(old jarPutV2) jarPut { return jarPut{old.Cents, "someone"} },
				talix.Was(func(old jarPutV1) jarPutV2 { return jarPutV2{old.Euros * 100} }))),
		talix.Event[jarTaken]("JAR:TAKEN"),
		talix.Event[jarClosed]("JAR:CLOSED").Renamed("JAR:SHUT"),
		talix.Became("JAR:MOVED", func(old jarMoved) []talix.EventFor[Jar] {
			return []talix.EventFor[Jar]{jarTaken{old.Out}, jarPut{old.In, "a mover"}, jarPut{1, "a mover"}}
		}),
		talix.Retired[Jar]("JAR:SEEN"),
	)
}

// past is an event as an earlier program stored it.
type past struct {
	typ    string
	schema int
	data   string
}

// inThePast is a whole history of shapes: 300 + 250 - 100 + 40 + 1 cents.
func inThePast() []past {
	return []past{
		{"JAR:SEEN", 7, `not even JSON`},
		{"JAR:PUT", 1, `{"euros":3}`},
		{"JAR:PUT", 2, `{"cents":250}`},
		{"JAR:MOVED", 1, `{"out":100,"in":40}`},
		{"JAR:SHUT", 1, `{}`},
	}
}

// wrote stores events of an entity as an earlier program did.
func wrote(t *testing.T, s store.Store, typ, id string, events ...past) {
	t.Helper()
	a := store.Append{Stream: store.Stream{Type: typ, ID: id}}
	for i, e := range events {
		a.Events = append(a.Events, store.Event{
			ID: store.ID{1, 2, 3, 4, 5, 6, id[0], byte(i + 1)}, Stream: a.Stream, Version: store.Version(i + 1), Type: e.typ, Schema: e.schema,
			Time: time.Now().UTC().Truncate(time.Microsecond), Data: []byte(e.data),
		})
	}
	o := s.Commit(t.Context(), store.PartitionOf(a.Stream, s.Partitions()), []store.Batch{{Appends: []store.Append{a}}})
	if o[0].Status != store.Durable {
		t.Fatal(o)
	}
}

// jarsOn starts a runtime with jars and more components.
func jarsOn(t *testing.T, s store.Store, jars *talix.Entity[Jar], change func(*runtime.Config), components ...talix.Component) *runtime.Runtime {
	t.Helper()
	cfg := runtime.Config{
		Store: s, Log: slog.New(slog.DiscardHandler),
		Parts: []talix.Part{talix.Service{Name: "jars", Components: append(components, jars)}},
	}
	change(&cfg)
	rt, err := runtime.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt
}

func unchanged(*runtime.Config) {}

// Whatever was stored once is folded as what it is by now; what is stored now
// has the newest number.
func TestPastEventsAreFolded(t *testing.T) {
	t.Parallel()
	s := checked(t, memory.Config{})
	wrote(t, s, "jar", "a", inThePast()...)
	def := jars()
	put := talix.NewCommand(def, "put", func(c talix.CommandContext[Jar], in int) (int, error) {
		c.Emit(jarPut{Cents: in})
		return c.State().Cents, nil
	})
	rt := jarsOn(t, s, def, unchanged, put)
	if got, err := talix.Run(rt.Context(t.Context()), put, "a", 9); err != nil || got != 500 {
		t.Errorf("%d cents, %v", got, err)
	}
	got, err := talix.Load(rt.Context(t.Context()), def, "a")
	if err != nil || got.State != (Jar{500, true}) || got.Version != 6 {
		t.Errorf("%+v, %v", got, err)
	}
	moments, err := rt.Entities().Events(t.Context(), "jar", "a", runtime.EventFilter{States: true})
	if err != nil || len(moments) != 6 || moments[3].Fault != "" || string(moments[3].State) != `{"Cents":491,"Closed":false}` {
		t.Errorf("%+v, %v", moments, err)
	}
	for e, err := range s.Load(t.Context(), store.Stream{Type: "jar", ID: "a"}, 5) {
		if err != nil || e.Schema != 3 {
			t.Errorf("stored as version %d, %v", e.Schema, err)
		}
	}
}

// heard is what an action saw of an event.
type heard struct {
	version  int64
	cents    int
	typ      string
	event    store.ID
	delivery store.ID
}

// An action runs for each present event that it takes, with ids that are the
// same whenever it is delivered again, and that tell the events apart.
func TestPastEventsOfActions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		wrote(t, s, "jar", "a", inThePast()...)
		w := newWorld()
		var mu sync.Mutex
		var all []heard
		steps := map[store.ID]int{}
		failing := true
		onPut := talix.OnEvent("on-put", func(ctx talix.ActionContext, e talix.Recorded[jarPut]) error {
			if _, err := talix.Run(ctx, w.put, "mirror", coins{e.Data.Cents}); err != nil {
				return err
			}
			_, err := talix.Step(ctx, "note", func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				steps[ctx.DeliveryID()]++
				return 0, nil
			})
			mu.Lock()
			defer mu.Unlock()
			all = append(all, heard{e.Version, e.Data.Cents, e.EventType, e.EventID, ctx.DeliveryID()})
			if failing && e.Data.Cents == 1 {
				return errors.Join(err, errors.New("bad luck"))
			}
			return err
		}, talix.Attempts(2))
		w.extra = talix.Components{jars(), onPut}
		rt := start(t, w, s)
		time.Sleep(time.Hour)
		parked, err := rt.Work().List(t.Context(), runtime.WorkFilter{})
		if err != nil || len(parked) != 1 || parked[0].Version != 4 {
			t.Fatalf("parked %+v, %v", parked, err)
		}
		rt.Stop()
		rt = start(t, w, s)
		mu.Lock()
		failing = false
		mu.Unlock()
		if err := rt.Work().Retry(t.Context(), parked[0].ID); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		mu.Lock()
		defer mu.Unlock()
		want := []heard{{2, 300, "JAR:PUT", eventID(t, s, 2), id1(all, 300)}, {3, 250, "JAR:PUT", eventID(t, s, 3), id1(all, 250)}}
		part := heard{4, 40, "JAR:PUT", id2(all, 40), id1(all, 40)}
		last := heard{4, 1, "JAR:PUT", id2(all, 1), id1(all, 1)}
		want = append(want, part, last, part, last, part, last)
		if !slices.Equal(all, want) {
			t.Errorf("it saw\n%+v, not\n%+v", all, want)
		}
		if ids := map[store.ID]bool{part.event: true, last.event: true, part.delivery: true, last.delivery: true}; len(ids) != 4 {
			t.Errorf("the events of one are not told apart: %v", ids)
		}
		if c, n := coinsIn(t, s, "mirror"); c != 591 || n != 4 {
			t.Errorf("the mirror has %d coins after %d commands", c, n)
		}
		if len(steps) != 4 || !reflect.DeepEqual(steps, map[store.ID]int{want[0].delivery: 1, want[1].delivery: 1, part.delivery: 1, last.delivery: 1}) {
			t.Errorf("steps ran %v", steps)
		}
		if left, err := rt.Work().List(t.Context(), runtime.WorkFilter{}); err != nil || len(left) != 0 {
			t.Errorf("left over: %+v, %v", left, err)
		}
		rt.Stop()
	})
}

func id1(all []heard, cents int) store.ID { return first(all, cents).delivery }

func id2(all []heard, cents int) store.ID { return first(all, cents).event }

func first(all []heard, cents int) (h heard) {
	for i := range all {
		if all[i].cents == cents {
			return all[i]
		}
	}
	return h
}

func eventID(t *testing.T, s store.Store, v store.Version) store.ID {
	t.Helper()
	for e, err := range s.Load(t.Context(), store.Stream{Type: "jar", ID: "a"}, v-1) {
		if err != nil {
			t.Fatal(err)
		}
		return e.ID
	}
	t.Fatalf("there is no version %d", v)
	return store.ID{}
}

// A run that waits in an event that has become none since is passed over.
func TestRunOfAnEventThatIsRetired(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		wrote(t, s, "jar", "a", past{"JAR:TAKEN", 1, `{"cents":1}`}, past{"JAR:TAKEN", 1, `{"cents":2}`})
		var took []int
		action := func() *talix.Action {
			return talix.OnEvent("on-taken", func(ctx talix.ActionContext, e talix.Recorded[jarTaken]) error {
				if e.Data.Cents == 1 {
					talix.Sleep(ctx, 24*time.Hour)
				}
				took = append(took, e.Data.Cents)
				return nil
			})
		}
		rt := jarsOn(t, s, jars(), unchanged, action())
		time.Sleep(time.Second)
		rt.Stop()
		later := talix.NewEntity("jar",
			talix.Became("JAR:TAKEN", func(old jarTaken) []talix.EventFor[Jar] {
				if old.Cents == 1 {
					return nil
				}
				return []talix.EventFor[Jar]{old}
			}),
			talix.Event[jarTaken]("JAR:TAKEN"))
		rt = jarsOn(t, s, later, unchanged, action())
		time.Sleep(48 * time.Hour)
		if left, err := rt.Work().List(t.Context(), runtime.WorkFilter{}); err != nil || len(left) != 0 || !slices.Equal(took, []int{2}) {
			t.Errorf("took %v, left over %+v, %v", took, left, err)
		}
		rt.Stop()
	})
}

type jarRow struct {
	ID     string
	Puts   string
	Cents  int
	Closed bool
}

func jarRows() *talix.Table[jarRow] {
	return talix.NewTable("jars",
		talix.When(func(r *jarRow, e talix.Recorded[jarPut]) {
			r.Cents += e.Data.Cents
			r.Puts += fmt.Sprint(e.Version, ":", e.Data.Cents, " by ", e.Data.By, "; ")
		}),
		talix.When(func(r *jarRow, e talix.Recorded[jarTaken]) { r.Cents -= e.Data.Cents }),
		talix.When(func(r *jarRow, _ talix.Recorded[jarClosed]) { r.Closed = true }),
	)
}

// rowsOf waits until views have seen all and reads the rows.
func rowsOf(t *testing.T, s store.Store, views table.Store, def *talix.Entity[Jar]) []jarRow {
	t.Helper()
	all := talix.SQL[struct{}, jarRow]("all-jars", `SELECT id, puts, cents, closed FROM jars ORDER BY id`)
	rt := jarsOn(t, s, def, func(c *runtime.Config) { c.Tables = views }, jarRows(), all)
	defer rt.Stop()
	statusOf(t, rt, "jars", func(s runtime.ViewStatus) bool { return s.Lag == 0 && s.Rebuild == nil && s.Fault == nil })
	for d, err := range rt.Views().Verify(t.Context(), "jars") {
		t.Errorf("%+v, %v", d, err)
	}
	page, err := talix.Ask(rt.Context(t.Context()), all, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}

// Views take what stored events are by now, and are made anew when that is
// something else than before.
func TestPastEventsInViews(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{}), tables(t)
	wrote(t, s, "jar", "a", inThePast()...)
	want := []jarRow{{"a", "2:300 by someone; 3:250 by someone; 4:40 by a mover; 4:1 by a mover; ", 491, true}}
	if got := rowsOf(t, s, views, jars()); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
	later := talix.NewEntity("jar",
		talix.Event[jarPut]("JAR:PUT",
			talix.WasFields[jarPut](func(f talix.Fields) error { f["by"] = json.RawMessage(`"me"`); return nil },
				talix.Was(func(old jarPutV2) talix.Fields { return talix.Fields{"cents": json.RawMessage(fmt.Sprint(old.Cents))} },
					talix.Was(func(old jarPutV1) jarPutV2 { return jarPutV2{old.Euros * 100} })))),
		talix.Event[jarTaken]("JAR:TAKEN"),
		talix.Event[jarClosed]("JAR:CLOSED").Renamed("JAR:SHUT"),
		talix.Retired[Jar]("JAR:MOVED"), talix.Retired[Jar]("JAR:SEEN"),
	)
	want = []jarRow{{"a", "2:300 by me; 3:250 by me; ", 550, true}}
	if got := rowsOf(t, s, views, later); !slices.Equal(got, want) {
		t.Errorf("%+v", got)
	}
}

// An event that becomes several is taken wholly or not at all.
func TestPartsOfAnEventInOneTransaction(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{}), tables(t)
	wrote(t, s, "jar", "a", inThePast()...)
	rows := talix.NewTable("jars",
		talix.When(func(r *jarRow, e talix.Recorded[jarTaken]) { r.Cents -= e.Data.Cents }),
		talix.When(func(r *jarRow, e talix.Recorded[jarPut]) {
			if r.Cents += e.Data.Cents; e.Data.Cents == 1 {
				panic("the last part")
			}
		}))
	all := talix.SQL[struct{}, jarRow]("all-jars", `SELECT id, puts, cents, closed FROM jars ORDER BY id`)
	rt := jarsOn(t, s, jars(), func(c *runtime.Config) { c.Tables = views }, rows, all)
	statusOf(t, rt, "jars", func(s runtime.ViewStatus) bool { return s.Lag == 0 && s.Parked == 1 })
	page, err := talix.Ask(rt.Context(t.Context()), all, struct{}{})
	if err != nil || len(page.Items) != 1 || page.Items[0].Cents != 550 {
		t.Errorf("%+v, %v", page, err)
	}
}

// What is published is what the events are by now, each under an id of its own;
// that an entity exists is told once.
func TestPastEventsArePublished(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		wrote(t, s, "jar", "a", inThePast()...)
		queue := brokermemory.New(brokermemory.Config{})
		defer queue.Close()
		def := jars()
		type told struct {
			Version int64           `json:"version"`
			Type    string          `json:"type"`
			Data    json.RawMessage `json:"data"`
			State   Jar             `json:"state"`
		}
		var mu sync.Mutex
		var got, exist []string
		ids := map[string]bool{}
		rt := jarsOn(t, s, def, func(c *runtime.Config) { c.Brokers = map[string]broker.Broker{"": queue} },
			talix.Publish("all", def, "all", talix.EventAndState), talix.Publish("there", def, "there", talix.EntityExists),
			talix.OnMessage("in", "all", func(_ talix.ActionContext, m talix.Message[told]) error {
				mu.Lock()
				defer mu.Unlock()
				ids[m.ID] = true
				got = append(got, fmt.Sprint(m.Data.Version, " ", m.Attributes["ce-type"], " ", string(m.Data.Data), " ", m.Data.State.Cents, " ", m.Data.State.Closed))
				return nil
			}),
			talix.OnMessage("exists", "there", func(_ talix.ActionContext, m talix.Message[map[string]string]) error {
				mu.Lock()
				defer mu.Unlock()
				exist = append(exist, m.Data["entityId"])
				return nil
			}))
		time.Sleep(time.Hour)
		rt.Stop()
		want := []string{
			`2 JAR:PUT {"cents":300,"by":"someone"} 300 false`, `3 JAR:PUT {"cents":250,"by":"someone"} 550 false`,
			`4 JAR:TAKEN {"cents":100} 491 false`, `4 JAR:PUT {"cents":40,"by":"a mover"} 491 false`, `4 JAR:PUT {"cents":1,"by":"a mover"} 491 false`,
			`5 JAR:CLOSED {} 491 true`,
		}
		if !slices.Equal(got, want) || len(ids) != 6 || !slices.Equal(exist, []string{"a"}) {
			t.Errorf("%v exist, %d ids, %s", exist, len(ids), strings.Join(got, "\n"))
		}
	})
}

// What a newer program stored harms its entity alone: its state, and what views
// and actions make of it. The same goes for names that are not known, unless
// they are to be skipped.
func TestEventsThatAreNotKnown(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{}), tables(t)
	fine := past{"JAR:PUT", 3, `{"cents":1,"by":"me"}`}
	wrote(t, s, "jar", "newer", fine, past{"JAR:PUT", 4, `{"pence":1}`}, fine)
	wrote(t, s, "jar", "unknown", fine, past{"JAR:SMASHED", 1, `{}`}, fine)
	wrote(t, s, "jar", "fine", fine)
	var seen [3]int
	var mu sync.Mutex
	onPut := func() *talix.Action {
		return talix.OnEvent("on-put", func(_ talix.ActionContext, e talix.Recorded[jarPut]) error {
			mu.Lock()
			defer mu.Unlock()
			seen[slices.Index([]string{"newer", "unknown", "fine"}, e.EntityID)]++
			return nil
		})
	}
	def := jars()
	rt := jarsOn(t, s, def, func(c *runtime.Config) { c.Tables = views }, jarRows(), onPut())
	for id, want := range map[string]string{"newer": "version 4, and this program knows it up to version 3", "unknown": `talix.Event[…]("JAR:SMASHED")`} {
		if _, err := talix.Load(rt.Context(t.Context()), def, id); !errors.Is(err, talix.ErrInternal) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if got, err := talix.Load(rt.Context(t.Context()), def, "fine"); err != nil || got.State.Cents != 1 {
		t.Errorf("%+v, %v", got, err)
	}
	statusOf(t, rt, "jars", func(s runtime.ViewStatus) bool { return s.Lag == 0 && s.Parked == 2 })
	parked := func(n int) func() bool {
		return func() bool {
			items, err := rt.Work().List(t.Context(), runtime.WorkFilter{Status: "parked"})
			return err == nil && len(items) == n
		}
	}
	eventually(t, parked(2))
	rt.Stop()

	def = jars().SkipUnknown()
	rt = jarsOn(t, s, def, func(c *runtime.Config) { c.Tables = views }, jarRows(), onPut())
	if got, err := talix.Load(rt.Context(t.Context()), def, "unknown"); err != nil || got.State.Cents != 2 || got.Version != 3 {
		t.Errorf("%+v, %v", got, err)
	}
	statusOf(t, rt, "jars", func(s runtime.ViewStatus) bool { return s.Lag == 0 && s.Parked == 1 })
	if n, err := rt.Work().Replay(t.Context(), "on-put"); err != nil || n != 2 {
		t.Errorf("%d, %v", n, err)
	}
	eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return seen == [3]int{1, 2, 1}
	})
	eventually(t, parked(1))
}
