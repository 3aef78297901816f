package project_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/project"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// The entity of these tests, and what it is reduced to.
type (
	deposited struct {
		Amount int64 `json:"amount"`
	}
	renamed struct {
		Name string   `json:"name"`
		Tags []string `json:"tags"`
	}
	noted struct{ Text string }

	accountRow struct {
		ID      string
		Balance int64 `db:"balance,index"`
		Name    *string
		Changes int
		Last    time.Time
	}
	nestedRow struct {
		ID      string
		Tags    []string
		Count   map[string]int
		Sum     float64
		Ignored int `db:"-"`
		hidden  int
	}
)

func event[E any](typ string) *registry.Event {
	return &registry.Event{
		Type: typ, Schema: 1, Go: reflect.TypeFor[E](),
		Decode: func(data []byte) (any, error) {
			var e E
			err := json.Unmarshal(data, &e)
			return e, err
		},
	}
}

func entity(typ string, events ...*registry.Event) *registry.Entity {
	e := &registry.Entity{Type: typ, ByGo: map[reflect.Type]*registry.Event{}, ByName: map[string]*registry.Event{}, Events: events}
	for _, ev := range events {
		e.ByGo[ev.Go], e.ByName[ev.Type] = ev, ev
	}
	return e
}

func when[R, E any](change func(r *R, e E, at *store.Event)) registry.Take {
	return registry.Take{Go: reflect.TypeFor[E](), Apply: func(row, event any, e *store.Event) {
		change(row.(*R), event.(E), e)
	}}
}

func tableOf[R any](name string, takes ...registry.Take) *registry.View {
	return viewOf(name, []*registry.Table{{Name: name, Place: "bank/view.go:7", Row: reflect.TypeFor[R](), NewRow: func() any { return new(R) }}}, takes...)
}

func viewOf(name string, tables []*registry.Table, takes ...registry.Take) *registry.View {
	return &registry.View{Name: name, Place: "bank/view.go:7", Tables: tables, Takes: takes, Version: 1}
}

func accounts() *registry.View {
	return tableOf[accountRow]("accounts",
		when(func(r *accountRow, e deposited, at *store.Event) {
			r.ID = "no projection sets the key"
			r.Balance += e.Amount
			r.Changes++
			r.Last = at.Time.In(time.FixedZone("here", 3600))
		}),
		when(func(r *accountRow, e renamed, at *store.Event) {
			r.Name = &e.Name
			r.Changes++
			r.Last = at.Time
		}),
	)
}

// nested depends on batches if anything of a row outlives its writing.
func nested() *registry.View {
	return tableOf[nestedRow]("nested",
		when(func(r *nestedRow, e deposited, _ *store.Event) {
			r.Sum += float64(e.Amount) / 3
			r.Ignored++
			r.hidden += 2
			r.Sum += float64(r.Ignored + r.hidden)
		}),
		when(func(r *nestedRow, e renamed, _ *store.Event) {
			if len(r.Tags) > 3 {
				r.Tags = nil
			}
			if len(r.Tags) == 0 {
				r.Tags = e.Tags
			} else {
				r.Tags[0] = e.Name
				r.Tags = append(r.Tags, "more")
			}
			if r.Count == nil {
				r.Count = map[string]int{}
			}
			r.Count[e.Name]++
		}),
	)
}

func bank(views ...*registry.View) *registry.Registry {
	r := registry.New()
	r.AddEntity(entity("account", event[deposited]("DEPOSITED"), event[renamed]("RENAMED"), event[noted]("NOTED")))
	r.AddEntity(entity("vault", event[int]("FILLED")))
	for _, v := range views {
		r.AddView(v)
	}
	return r
}

// running is a projector at work.
type running struct {
	*project.Projector
	names []string
	stop  func()
}

func start(tb testing.TB, cfg project.Config) *running {
	tb.Helper()
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	p, err := project.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error)
	go func() { done <- p.Run(ctx) }()
	stopped := false
	r := &running{p, nil, func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	}}
	for _, v := range cfg.Registry.Views {
		r.names = append(r.names, v.Name)
	}
	tb.Cleanup(r.stop)
	return r
}

// caughtUp waits until all views have taken all events.
func (r *running) caughtUp(tb testing.TB, l *memLog) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), time.Minute)
	defer cancel()
	if err := errors.Join(r.WaitWhole(ctx, r.names), r.Wait(ctx, nil, l.heads())); err != nil {
		tb.Fatal(err)
	}
}

// until waits for what must happen.
func until(tb testing.TB, happened func() bool) {
	tb.Helper()
	pace, end := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer pace.Stop()
	for !happened() {
		select {
		case <-pace.C:
		case <-end:
			tb.Fatal("it did not happen in a minute")
		}
	}
}

// folded is the balance, changes and name of every account, by hand.
func folded(l *memLog) map[string][]table.Value {
	rows := map[string]*accountRow{}
	for _, e := range l.all() {
		r := rows[e.Stream.ID]
		if r == nil {
			r = &accountRow{ID: e.Stream.ID}
		}
		switch e.Type {
		case "DEPOSITED":
			var d deposited
			_ = json.Unmarshal(e.Data, &d)
			r.Balance += d.Amount
		case "RENAMED":
			var n renamed
			_ = json.Unmarshal(e.Data, &n)
			r.Name = &n.Name
		default:
			continue
		}
		r.Changes++
		r.Last = e.Time
		rows[e.Stream.ID] = r
	}
	values := map[string][]table.Value{}
	for id, r := range rows {
		values[id] = r.values()
	}
	return values
}

func (r *accountRow) values() []table.Value {
	name := table.Value{}
	if r.Name != nil {
		name = table.TextValue(*r.Name)
	}
	return []table.Value{
		table.TextValue(r.ID), table.IntValue(r.Balance), name, table.IntValue(int64(r.Changes)),
		table.TextValue(r.Last.UTC().Format("2006-01-02T15:04:05.000000000Z")),
	}
}
