package runtime_test

import (
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/table"
)

type pickyRow struct {
	ID  string
	Sum int64
}

// picky panics on an amount of 13 while it is ill.
func picky(s store.Store, tables table.Store, ill *atomic.Bool) func(t *testing.T) *runtime.Runtime {
	return func(t *testing.T) *runtime.Runtime {
		t.Helper()
		rows := talix.NewTable("picky", talix.When(func(r *pickyRow, e talix.Recorded[account.Deposited]) {
			if r.Sum += e.Data.Amount; ill.Load() && e.Data.Amount == 13 {
				panic("bad luck")
			}
		}))
		return bank(t, s, tables, talix.Service{Name: "picky", Components: talix.Components{rows}})
	}
}

func deposits(t *testing.T, rt *runtime.Runtime, id string, amounts ...int64) talix.ActionContext {
	t.Helper()
	ctx := rt.Context(t.Context())
	for _, n := range amounts {
		if _, err := talix.Run(ctx, account.Deposit, id, account.Movement{Amount: n}); err != nil {
			t.Fatal(err)
		}
	}
	return ctx
}

// statusOf waits until a view's status is as wanted.
func statusOf(t *testing.T, rt *runtime.Runtime, view string, is func(runtime.ViewStatus) bool) {
	t.Helper()
	pace, end := time.NewTicker(time.Millisecond), time.After(time.Minute)
	defer pace.Stop()
	for {
		all := rt.Views().Status()
		if slices.ContainsFunc(all, func(s runtime.ViewStatus) bool { return s.Name == view && is(s) }) {
			return
		}
		select {
		case <-pace.C:
		case <-end:
			t.Fatalf("status %+v", all)
		}
	}
}

func TestParkedEventsOfViews(t *testing.T) {
	t.Parallel()
	var ill atomic.Bool
	ill.Store(true)
	start := picky(checked(t, memory.Config{}), tables(t), &ill)
	rt := start(t)
	deposits(t, rt, "a", 1, 13, 4, 13)
	deposits(t, rt, "b", 5)
	statusOf(t, rt, "picky", func(s runtime.ViewStatus) bool {
		return s.Lag == 0 && s.Parked == 1 && s.Fault == nil && !s.Stopped && s.Rebuild == nil
	})
	views := rt.Views()
	all, err := views.Parked(t.Context(), "picky", runtime.ParkedEvent{}, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("parked %+v, %v", all, err)
	}
	got := all[0]
	if got.EntityID != "a" || got.EntityType != "account" || got.Meta.Version != 2 || string(got.Payload) != `{"amount":13}` || got.Behind != 2 ||
		!strings.Contains(got.Error, "bad luck") || got.Attempts != 1 || got.EventType != "ACCOUNTS:DEPOSITED" || got.Since.IsZero() {
		t.Errorf("parked %+v", got)
	}
	if more, err := views.Parked(t.Context(), "picky", got, 10); err != nil || len(more) != 0 {
		t.Errorf("parked after it: %+v, %v", more, err)
	}
	err = views.Retry(t.Context(), "picky", "account", "a")
	if !errors.Is(err, talix.ErrRejected) || !strings.Contains(err.Error(), "bad luck") {
		t.Errorf("Retry says %v", err)
	}
	if err := views.Skip(t.Context(), "picky", "account", "a"); err == nil {
		t.Error("Skip passed over the next one too")
	}
	for _, err := range []error{views.Retry(t.Context(), "picky", "account", "b"), views.Rebuild(t.Context(), "none"), views.Skip(t.Context(), "none", "account", "a")} {
		if !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("what is not there: %v", err)
		}
	}
	ill.Store(false)
	rt.Stop()
	rt = start(t)
	statusOf(t, rt, "picky", func(s runtime.ViewStatus) bool { return s.Parked == 0 })
	var differences []runtime.Difference
	for d, err := range rt.Views().Verify(t.Context(), "picky") {
		if err != nil {
			t.Fatal(err)
		}
		differences = append(differences, d)
	}
	// The event that was skipped is missing.
	if len(differences) != 1 || !slices.Equal(differences[0].Differing(), []string{"sum"}) || differences[0].View[1].Int() != 18 || differences[0].Log[1].Int() != 31 {
		t.Errorf("differences: %+v", differences)
	}
	if err := rt.Views().Rebuild(t.Context(), "picky"); err != nil {
		t.Fatal(err)
	}
	statusOf(t, rt, "picky", func(s runtime.ViewStatus) bool { return s.Rebuild == nil })
	for d, err := range rt.Views().Verify(t.Context(), "picky") {
		t.Errorf("after the rebuild: %+v, %v", d, err)
	}
}

func TestViewsOfARuntimeWithoutTables(t *testing.T) {
	t.Parallel()
	rt, err := runtime.New(t.Context(), runtime.Config{Store: checked(t, memory.Config{}), Parts: []talix.Part{
		talix.Service{Name: "bare", Components: talix.Components{account.Accounts, account.Deposit}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer rt.Stop()
	if all := rt.Views().Status(); len(all) != 0 {
		t.Errorf("status %+v", all)
	}
	if err := rt.Views().Rebuild(t.Context(), "accounts"); !errors.Is(err, talix.ErrNotFound) {
		t.Errorf("Rebuild says %v", err)
	}
}

type bareRow struct{ ID string }

func TestFaultsOfViews(t *testing.T) {
	t.Parallel()
	alone := talix.NewTable[bareRow]("alone")
	shared := talix.NewTable[bareRow]("shared")
	busy := talix.NewTable("busy", talix.When(func(*bareRow, talix.Recorded[account.Deposited]) {}))
	nothing := func(talix.ViewTx, talix.Recorded[account.Deposited]) error { return nil }
	parts := []talix.Part{account.Service, talix.Service{Name: "more", Components: talix.Components{
		alone, talix.NewView("one", talix.Tables{shared}, talix.Project(nothing)), talix.NewView("two", talix.Tables{shared}, talix.Project(nothing)),
		talix.NewView("three", talix.Tables{busy}, talix.Project(nothing)), talix.NewView("four", nil), talix.NewFold[int]("five"),
	}}}
	_, err := runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Tables: tables(t), Parts: parts})
	for _, want := range []string{
		`table "alone" takes no events`, `table "shared" is written by the views "one" and "two"`, `table "busy" has projections of its own`,
		`view "four" fills no table`, `view "four" takes no events`, `table "five" takes no events`, "views_test.go:",
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("this is missing: %s\n%v", want, err)
		}
	}
}
