package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

func tables(t *testing.T) table.Store {
	t.Helper()
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
	return tables
}

// bank runs the example on stores of the test's.
func bank(t *testing.T, s store.Store, tables table.Store, parts ...talix.Part) *runtime.Runtime {
	t.Helper()
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: s, Tables: tables, Parts: append([]talix.Part{account.Service}, parts...),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt
}

func request(h http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// V4: who asks with the position of what it wrote sees it, under load.
func TestReadYourWrites(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for i := range 100 {
				id := fmt.Sprintf("client-%d", c)
				w := request(rt.Handler(), "POST", "/accounts/"+id+"/deposits", `{"amount":1}`)
				position := w.Header().Get("Talix-Position")
				if w.Code != http.StatusOK || position == "" {
					t.Errorf("%d %s, position %q", w.Code, w.Body, position)
					return
				}
				w = request(rt.Handler(), "GET", "/accounts?limit=1000&after="+position, "")
				var page talix.Page[account.Row]
				decode(t, w.Body.Bytes(), &page)
				n := slices.IndexFunc(page.Items, func(r account.Row) bool { return r.ID == id })
				if n < 0 || page.Items[n].Balance != int64(i+1) {
					t.Errorf("%s after deposit %d: %s", id, i+1, w.Body)
					return
				}
			}
		})
	}
	all.Wait()
}

// Inside an action this needs no word.
func TestAskInAnActionSeesItsWrites(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	for i := range 100 {
		ctx := rt.Context(t.Context())
		if _, err := talix.Run(ctx, account.Deposit, fmt.Sprint("a", i), account.Movement{Amount: 2}); err != nil {
			t.Fatal(err)
		}
		if got, err := talix.Ask(ctx, account.Totals, struct{}{}); err != nil || got.Accounts != int64(i+1) || got.Balance != int64(2*i+2) {
			t.Fatalf("after %d deposits: %+v, %v", i+1, got, err)
		}
	}
}

// Views catch up with what happened while they were away, and are made anew
// for another log.
func TestViewsFollowTheLog(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{Partitions: 1}), tables(t)
	deposit := func(rt *runtime.Runtime, id string) (ctx talix.ActionContext) {
		ctx = rt.Context(t.Context())
		if _, err := talix.Run(ctx, account.Deposit, id, account.Movement{Amount: 1}); err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	total := func(ctx talix.ActionContext, want int64) {
		t.Helper()
		if got, err := talix.Ask(ctx, account.Totals, struct{}{}); err != nil || got.Balance != want {
			t.Errorf("balance %d, want %d; %v", got.Balance, want, err)
		}
	}
	rt := bank(t, s, views)
	total(deposit(rt, "a"), 1)
	rt.Stop()
	rt, err := runtime.New(t.Context(), runtime.Config{Store: s, Parts: []talix.Part{
		talix.Service{Name: "bare", Components: talix.Components{account.Accounts, account.Deposit}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	deposit(rt, "a")
	rt.Stop()
	rt = bank(t, s, views)
	total(deposit(rt, "b"), 3)
	rt.Stop()
	rt = bank(t, checked(t, memory.Config{}), views)
	total(deposit(rt, "c"), 1)
}

func TestAfterThatIsNoPosition(t *testing.T) {
	t.Parallel()
	rt := bank(t, checked(t, memory.Config{}), tables(t))
	for _, after := range []string{"x", "0", "0:", ":1", "9:1", "-1:1", "0:-1", "0:1,,", "0:99999999999999999999"} {
		w := request(rt.Handler(), "GET", "/totals?after="+after, "")
		if w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", after, w.Code, w.Body)
		}
	}
}

// A repeated request gets its first answer, byte for byte, also from the next
// process.
func TestIdempotencyKeyOverHTTP(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{}), tables(t)
	rt := bank(t, s, views)
	send := func(body string) *httptest.ResponseRecorder {
		return request(rt.Handler(), "POST", "/accounts/a/deposits", body, "Idempotency-Key", "k")
	}
	first := send(`{"amount":3}`)
	rt.Stop()
	rt = bank(t, s, views)
	if again := send(`{"amount":3}`); again.Code != first.Code || again.Body.String() != first.Body.String() || again.Header().Get("Talix-Replayed") != "true" {
		t.Errorf("first %d %s, then %d %s", first.Code, first.Body, again.Code, again.Body)
	}
	if other := send(`{"amount":4}`); other.Code != http.StatusUnprocessableEntity {
		t.Errorf("another input: %d %s", other.Code, other.Body)
	}
	if w := request(rt.Handler(), "GET", "/accounts/a", ""); w.Body.String() != "{\"balance\":3,\"version\":1}\n" {
		t.Error(w.Body)
	}
}

// notebook is a plugin of every kind.
type notebook struct {
	mu      sync.Mutex
	reports []talix.Report
}

func (*notebook) Name() string { return "notebook" }

func (n *notebook) Report(_ context.Context, r talix.Report) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.reports = append(n.reports, r)
}

func (n *notebook) Intercept(ctx context.Context, op talix.Operation, next func(context.Context) error) error {
	if op.Header != nil && op.Header("Who") == "nobody" {
		return talix.Reject("who are you?").WithStatus(http.StatusForbidden)
	}
	return next(ctx)
}

func (n *notebook) Compile(t reflect.Type) (func(any) []talix.FieldError, error) {
	return func(doc any) []talix.FieldError {
		if m, _ := doc.(map[string]any); m["amount"] == json.Number("13") || m["amount"] == float64(13) || m["amount"] == int64(13) {
			return []talix.FieldError{{Location: "body.amount", Message: "brings bad luck"}}
		}
		return nil
	}, nil
}

func TestPlugins(t *testing.T) {
	t.Parallel()
	n := &notebook{}
	rt := bank(t, checked(t, memory.Config{}), tables(t), talix.Use(n))
	w := request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":1}`)
	if w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	if len(n.reports) != 2 || n.reports[0].Kind != talix.KindCommand || n.reports[0].Events != 1 || n.reports[0].EntityID != "a" ||
		n.reports[1].Kind != talix.KindAction || n.reports[1].Service != "bank" || n.reports[0].CorrelationID != n.reports[1].CorrelationID {
		t.Errorf("reports: %+v", n.reports)
	}
	w = request(rt.Handler(), "POST", "/accounts/a/withdrawals", `{"amount":9}`)
	if last := n.reports[len(n.reports)-1]; w.Code != http.StatusConflict || !errors.Is(last.Err, talix.ErrRejected) {
		t.Errorf("%d, report %+v", w.Code, last)
	}
	for range 2 { // the second time there is an answer that could be given again
		if w := request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":1}`, "Idempotency-Key", "mine"); w.Code != http.StatusOK {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if w := request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":1}`, "Idempotency-Key", "mine", "Who", "nobody"); w.Code != http.StatusForbidden {
		t.Errorf("the interceptor did not stop a repeat: %d %s", w.Code, w.Body)
	}
	if w := request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":1}`, "Who", "nobody"); w.Code != http.StatusForbidden {
		t.Errorf("the interceptor did not stop it: %d %s", w.Code, w.Body)
	}
	if w := request(rt.Handler(), "POST", "/accounts/a/deposits", `{"amount":13}`); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "bad luck") {
		t.Errorf("the validator did not stop it: %d %s", w.Code, w.Body)
	}
}

func TestBadSQLIsAFaultAtStart(t *testing.T) {
	t.Parallel()
	bad := talix.SQL[struct{}, account.Row]("bad", "SELECT id, balance, version FROM acounts")
	missing := talix.SQL[struct{}, account.Row]("missing", "SELECT id, balance, version FROM accounts WHERE id = :id")
	parts := []talix.Part{account.Service, talix.Service{Name: "more", Components: talix.Components{bad, missing}}}
	_, err := runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Tables: tables(t), Parts: parts})
	for _, want := range []string{"acounts", `"bad"`, ":id", `"missing"`, "view_test.go:"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("this is missing: %s\n%v", want, err)
		}
	}
}
