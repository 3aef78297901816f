package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

func TestCatalog(t *testing.T) {
	t.Parallel()
	extra := talix.Service{Name: "extra", Components: talix.Components{
		talix.OnEvent("audit", func(talix.ActionContext, talix.Recorded[account.Deposited]) error { return nil }),
		talix.OnSchedule("nightly", "0 3 * * *", func(talix.ActionContext, time.Time) error { return nil }),
	}}
	c := bank(t, checked(t, memory.Config{}), tables(t), extra).Catalog()
	if fmt.Sprint(c.Services) != "[bank extra]" || len(c.Entities) != 1 || len(c.Entities[0].Events) != 5 || c.Entities[0].Events[1].Type != "ACCOUNTS:WITHDRAWN" {
		t.Errorf("%v %+v", c.Services, c.Entities)
	}
	d := c.Commands[0]
	if d.Name != "account.deposit" || d.Entity != "account" || d.Service != "bank" || !strings.Contains(d.Place, "account.go:") {
		t.Errorf("%+v", d)
	}
	var input struct {
		Ref string `json:"$ref"`
	}
	if err := json.Unmarshal(d.Input, &input); err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(input.Ref, "#/components/schemas/")
	if !strings.Contains(string(c.Schemas[name]), `"minimum":1`) {
		t.Errorf("the schema %q is %s", d.Input, c.Schemas[name])
	}
	triggers := map[string]string{}
	for _, a := range c.Actions {
		triggers[a.Name] = a.Trigger + " " + strings.Join(a.On, " ")
	}
	for name, want := range map[string]string{"audit": "event ACCOUNTS:DEPOSITED", "nightly": "schedule 0 3 * * *", "transfer": "workflow transfer", "POST /transfers": "http POST /transfers"} {
		if triggers[name] != want {
			t.Errorf("%s is triggered by %q, want %q", name, triggers[name], want)
		}
	}
	v := c.Views[0]
	if v.Name != "accounts" || len(v.Takes) != 5 || v.Tables[0].Columns[0] != (runtime.ColumnInfo{Name: "id", Key: true}) {
		t.Errorf("%+v", v)
	}
	for _, q := range c.Queries {
		if q.Name == "totals" && (q.Path != "/totals" || fmt.Sprint(q.Reads) != "[accounts]" || q.SQL == "") {
			t.Errorf("%+v", q)
		}
	}
}

func TestNewest(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	for i := range 1500 {
		if _, err := talix.Run(rt.Context(t.Context()), account.Deposit, fmt.Sprint("a", i), account.Movement{Amount: 1}); err != nil {
			t.Fatal(err)
		}
	}
	all := func(*runtime.Logged) bool { return true }
	got, err := rt.Log().Newest(t.Context(), 1<<30, 700, all)
	if err != nil || len(got) != 700 || got[0].EntityID != "a1499" || got[699].EntityID != "a800" {
		t.Errorf("%d events, %v", len(got), err)
	}
	got, err = rt.Log().Newest(t.Context(), 1<<30, 5000, all)
	if err != nil || len(got) != 1500 || !slices.IsSortedFunc(got, func(a, b runtime.Logged) int { return b.Time.Compare(a.Time) }) {
		t.Errorf("%d events, %v", len(got), err)
	}
	got, err = rt.Log().Newest(t.Context(), 3, 5000, func(e *runtime.Logged) bool { return e.EntityID == "a0" })
	if err != nil || len(got) != 0 {
		t.Errorf("it looked too far: %d events, %v", len(got), err)
	}
}

func TestSQLByHand(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	for i := range 5 {
		w := request(rt.Handler(), "POST", fmt.Sprintf("/accounts/a%d/deposits", i), `{"amount":7}`)
		request(rt.Handler(), "GET", "/accounts?after="+w.Header().Get("Talix-Position"), "") // waits for the view
	}
	v := rt.Views()
	got, err := v.SQL(t.Context(), "SELECT id, balance FROM accounts ORDER BY id", 3)
	if err != nil || fmt.Sprint(got.Columns) != "[id balance]" || len(got.Rows) != 3 || !got.More || got.Rows[2][0].Text() != "a2" || got.Rows[0][1].Int() != 7 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := v.Rows(t.Context(), "accounts", 3, 10); err != nil || len(got.Rows) != 2 || got.More || got.Rows[0][0].Text() != "a3" {
		t.Errorf("%+v, %v", got, err)
	}
	if n, err := v.Count(t.Context(), "accounts"); n != 5 || err != nil {
		t.Error(n, err)
	}
	for _, text := range []string{
		"DELETE FROM accounts", "WITH x AS (SELECT 1) DELETE FROM accounts", "SELECT 1; DELETE FROM accounts", "", "SELECT nothing FROM accounts",
		"ATTACH 'other.db' AS other", "PRAGMA journal_mode = DELETE", "-- \nDROP TABLE accounts", "INSERT INTO accounts SELECT * FROM accounts",
	} {
		if _, err := v.SQL(t.Context(), text, 10); !errors.Is(err, talix.ErrInvalid) && !errors.Is(err, talix.ErrRejected) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if n, err := v.Count(t.Context(), "accounts"); n != 5 || err != nil {
		t.Errorf("%d rows are left, %v", n, err)
	}
	if _, err := v.Rows(t.Context(), `accounts" --`, 0, 10); !errors.Is(err, talix.ErrNotFound) {
		t.Error(err)
	}
}

func TestEndlessSQLByHand(t *testing.T) {
	t.Parallel()
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: checked(t, memory.Config{}), Tables: tables(t), Parts: []talix.Part{account.Service}, Queries: runtime.QueryConfig{Timeout: 50 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Stop)
	_, err = rt.Views().SQL(t.Context(), "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n", 10)
	if !errors.Is(err, talix.ErrRejected) || !strings.Contains(err.Error(), "too long") {
		t.Error(err)
	}
}

func TestCallsByName(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	c := rt.Calls()
	for range 2 {
		got, err := c.Command(t.Context(), "account.deposit", "a", json.RawMessage(`{"amount":7}`), "once")
		if err != nil || string(got) != `{"balance":7,"version":1}` {
			t.Errorf("%s, %v", got, err)
		}
	}
	for text, want := range map[string]*talix.Error{`{"amount":0}`: talix.ErrInvalid, `{"amount":"x"}`: talix.ErrInvalid, "{": talix.ErrInvalid, "": talix.ErrInvalid, `{"amount":8}`: talix.ErrRejected} {
		if _, err := c.Command(t.Context(), "account.withdraw", "a", json.RawMessage(text), ""); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := c.Command(t.Context(), "account.nothing", "a", nil, ""); !errors.Is(err, talix.ErrNotFound) {
		t.Error(err)
	}
	if got, err := c.Query(t.Context(), "get-account", json.RawMessage(`{"ID":"a"}`)); err != nil || string(got) != `{"balance":7,"version":1}` {
		t.Errorf("%s, %v", got, err)
	}
	if err := c.Start(t.Context(), "transfer", "t1", json.RawMessage(`{"id":"t1","from":"a","to":"b","amount":1,"holdSeconds":3600}`)); err != nil {
		t.Fatal(err)
	}
	run := account.Transfer.RunID("t1")
	if err := c.Signal(t.Context(), run, "hello", json.RawMessage(`1`)); err != nil {
		t.Error(err)
	}
	if err := c.Signal(t.Context(), run, "hello", json.RawMessage(`1 2`)); !errors.Is(err, talix.ErrInvalid) {
		t.Error(err)
	}
	if err := c.Cancel(t.Context(), run); err != nil {
		t.Error(err)
	}
	_, _ = talix.Wait(rt.Context(t.Context()), account.Transfer, "t1") // it was cancelled, as is checked
	if s, err := talix.State(rt.Context(t.Context()), account.Transfer, "t1"); err != nil || s.Status != talix.WorkflowCancelled {
		t.Errorf("%+v, %v", s, err)
	}
}

// reports keeps what it is told.
type reports struct {
	mu   sync.Mutex
	told []talix.Report
}

func (*reports) Name() string { return "reports" }

func (r *reports) Report(_ context.Context, report talix.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.told = append(r.told, report)
}

func (r *reports) of(kind talix.Kind, name string) (all []talix.Report) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, report := range r.told {
		if report.Kind == kind && report.Name == name {
			all = append(all, report)
		}
	}
	return all
}

// Reports tell what led to an operation: who ran it, and on which event.
func TestReportsTellTheCause(t *testing.T) {
	t.Parallel()
	r := &reports{}
	var failed atomic.Bool
	reward := talix.OnEvent("reward", func(ctx talix.ActionContext, e talix.Recorded[account.Withdrawn]) error {
		_, err := talix.Step(ctx, "count", func(context.Context) (int, error) {
			if !failed.Swap(true) {
				return 0, errors.New("not yet")
			}
			return 1, nil
		})
		if err != nil {
			return err
		}
		_, err = talix.Run(ctx, account.Deposit, "bonus", account.Movement{Amount: 1})
		return err
	}, talix.Backoff(time.Millisecond, time.Millisecond))
	rt := bank(t, checked(t, memory.Config{}), tables(t), talix.Use(r), talix.Service{Name: "more", Components: talix.Components{reward}})
	request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":7}`)
	request(rt.Handler(), "POST", "/accounts/a/withdrawals", `{"amount":7}`)
	eventually(t, func() bool {
		return len(r.of(talix.KindCommand, "account.deposit")) == 2 && len(r.of(talix.KindAction, "reward")) == 2
	})
	events, err := rt.Entities().Events(t.Context(), "account", "a", runtime.EventFilter{From: 2, To: 2})
	if err != nil {
		t.Fatal(err)
	}
	withdrawn := events[0]
	asked, bonus := r.of(talix.KindCommand, "account.withdraw")[0], r.of(talix.KindCommand, "account.deposit")[1]
	if asked.Caller != "POST /accounts/{id}/withdrawals" || asked.CommandID != withdrawn.CommandID || !asked.CausationID.IsZero() {
		t.Errorf("withdrawal: %+v", asked)
	}
	if bonus.Caller != "reward" || bonus.CausationID != withdrawn.EventID || bonus.CorrelationID != asked.CorrelationID {
		t.Errorf("bonus: %+v", bonus)
	}
	if a := r.of(talix.KindAction, "reward")[1]; a.Caller != "" || a.CausationID != withdrawn.EventID || a.Err != nil {
		t.Errorf("action: %+v", a)
	}
	steps := r.of(talix.KindStep, "count")
	if len(steps) != 2 || steps[0].Err == nil || steps[1].Err != nil || steps[0].Caller != "reward" || steps[0].Service != "more" {
		t.Errorf("steps: %+v", steps)
	}
}

// eventually waits for a condition.
func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not happen")
		}
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
		}
	}
}
