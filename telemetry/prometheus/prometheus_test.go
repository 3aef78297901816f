package prometheus_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	client "github.com/prometheus/client_golang/prometheus"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/telemetry/prometheus"
)

func scrape(t *testing.T, h http.Handler) []string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return strings.Split(w.Body.String(), "\n")
}

func TestReports(t *testing.T) {
	t.Parallel()
	p, err := prometheus.New(prometheus.Config{Buckets: []float64{1}})
	if err != nil {
		t.Fatal(err)
	}
	tell := func(kind talix.Kind, name string, r talix.Report) {
		r.Kind, r.Service, r.Name, r.Duration = kind, "shop", name, 2*time.Second
		p.Report(p.Begin(t.Context(), r.Operation), r)
	}
	for range 3 {
		tell(talix.KindCommand, "place", talix.Report{Events: 2})
	}
	tell(talix.KindForward, "place", talix.Report{Events: 2})
	tell(talix.KindAction, "reserve", talix.Report{Err: errors.New("a bug")})
	tell(talix.KindAction, "reserve", talix.Report{Waits: true})
	tell(talix.KindStep, "price of 17", talix.Report{})
	tell(talix.KindRequest, "POST /orders/{id}", talix.Report{Status: 409, Err: talix.Reject("no")})
	p.Retrying(t.Context(), talix.Operation{Service: "shop", Name: "place"}, talix.Retry{Reason: talix.RetryConflict})
	got := slices.DeleteFunc(scrape(t, p.Handler()), func(line string) bool {
		return !strings.HasPrefix(line, "talix_") || strings.Contains(line, "_bucket")
	})
	want := []string{
		`talix_command_retries_total{name="place",reason="conflict",service="shop"} 1`,
		`talix_events_total{kind="command",name="place",service="shop"} 6`,
		`talix_http_request_duration_seconds_sum{method="POST",route="/orders/{id}",status="409"} 2`,
		`talix_http_request_duration_seconds_count{method="POST",route="/orders/{id}",status="409"} 1`,
		`talix_operation_duration_seconds_sum{kind="action",name="reserve",service="shop"} 2`,
		`talix_operation_duration_seconds_count{kind="action",name="reserve",service="shop"} 1`,
		`talix_operation_duration_seconds_sum{kind="command",name="place",service="shop"} 6`,
		`talix_operation_duration_seconds_count{kind="command",name="place",service="shop"} 3`,
		`talix_operation_duration_seconds_sum{kind="forward",name="place",service="shop"} 2`,
		`talix_operation_duration_seconds_count{kind="forward",name="place",service="shop"} 1`,
		`talix_operation_failures_total{code="internal",kind="action",name="reserve",service="shop"} 1`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("a scrape has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNamesThatAreTaken(t *testing.T) {
	t.Parallel()
	registry := client.NewRegistry()
	if _, err := prometheus.New(prometheus.Config{Registry: registry}); err != nil {
		t.Fatal(err)
	}
	if _, err := prometheus.New(prometheus.Config{Registry: registry}); err == nil || !strings.Contains(err.Error(), "register metrics") {
		t.Errorf("the second plugin of one registry got %v", err)
	}
}

type Counter struct{ N int }

type Counted struct{}

func (Counted) Apply(c *Counter, _ talix.Meta) { c.N++ }

func counting(t testing.TB, p *prometheus.Plugin) (rt *runtime.Runtime, count *talix.Command[struct{}, int]) {
	counters := talix.NewEntity("counter", talix.Event[Counted]("COUNTED"))
	count = talix.NewCommand(counters, "count", func(c talix.CommandContext[Counter], _ struct{}) (int, error) {
		c.Emit(Counted{})
		return c.State().N, nil
	})
	stuck := talix.OnEvent("never", func(talix.ActionContext, talix.Recorded[Counted]) error { return nil }, talix.FromNow())
	s := memory.New(memory.Config{})
	t.Cleanup(func() { s.Close() })
	rt, err := runtime.New(context.Background(), runtime.Config{Store: s, Parts: []talix.Part{
		talix.Use(p), talix.Service{Name: "test", Components: talix.Components{counters, count, stuck}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(rt.Stop)
	return rt, count
}

// A scrape of a runtime's page has what was done and how it stands.
func TestPage(t *testing.T) {
	t.Parallel()
	p, err := prometheus.New(prometheus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	rt, count := counting(t, p) // which is not started, so that its action lags
	mux := http.NewServeMux()
	if err := rt.Pages(mux); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := talix.Run(rt.Context(t.Context()), count, "a", struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	got := scrape(t, mux)
	for _, want := range []string{
		`talix_events_total{kind="command",name="counter.count",service="test"} 2`,
		"talix_ready 0", "talix_live_entities 1", `talix_action_skipped_total{action="never"} 0`,
	} {
		if !slices.Contains(got, want) {
			t.Errorf("a scrape has no %s", want)
		}
	}
	if !slices.ContainsFunc(got, func(line string) bool {
		return strings.HasPrefix(line, `talix_action_lag{action="never"} `) && !strings.HasSuffix(line, " 0")
	}) {
		t.Errorf("the action that does not run has no lag:\n%s", strings.Join(got, "\n"))
	}
	if err := rt.Pages(http.NewServeMux()); err == nil || !strings.Contains(err.Error(), `plugin "prometheus"`) {
		t.Errorf("mounted twice: %v", err)
	}
}

func Example() {
	p, err := prometheus.New(prometheus.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	// talix.Use(p) among the parts of a program; standalone serves /metrics.
	p.Report(context.Background(), talix.Report{
		Operation: talix.Operation{Kind: talix.KindCommand, Service: "bank", Name: "account.deposit"},
		Duration:  time.Millisecond, Events: 1,
	})
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "talix_events") {
			_, _ = io.WriteString(os.Stdout, line)
		}
	}
	// Output: talix_events_total{kind="command",name="account.deposit",service="bank"} 1
}

// A command is counted without anything being made for it.
func TestAllocations(t *testing.T) {
	// Not parallel: it counts the allocations of the whole process.
	p, err := prometheus.New(prometheus.Config{})
	if err != nil {
		t.Fatal(err)
	}
	op := talix.Operation{Kind: talix.KindCommand, Service: "bank", Name: "account.deposit", EntityID: "1"}
	n := testing.AllocsPerRun(2000, func() {
		ctx := p.Begin(context.Background(), op)
		p.Report(ctx, talix.Report{Operation: op, Duration: time.Millisecond, Events: 1})
	})
	if n > 1 {
		t.Errorf("%v allocations a command, want at most 1", n)
	}
}
