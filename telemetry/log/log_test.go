package log_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/telemetry/log"
)

func logger(b *bytes.Buffer) *slog.Logger {
	return slog.New(log.NewHandler(slog.NewTextHandler(b, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
}

func operation(kind talix.Kind, name string) talix.Operation {
	return talix.Operation{Kind: kind, Service: "shop", Name: name, CorrelationID: store.ID{15: 1}}
}

// A line tells the innermost operation that it is of, and no line that is of
// none is touched.
func TestHandler(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l, p := logger(&b), log.New(log.Config{})
	l.InfoContext(t.Context(), "before")
	ctx := p.Begin(t.Context(), operation(talix.KindAction, "reserve"))
	step := operation(talix.KindStep, "ask")
	step.Caller, step.CausationID = "reserve", store.ID{15: 2}
	inner, cancel := context.WithCancel(p.Begin(ctx, step))
	defer cancel()
	l.With("a", 1).InfoContext(inner, "in the step")
	l.InfoContext(ctx, "after it")
	p.Report(ctx, talix.Report{Err: errors.New("not logged")})
	want := `level=INFO msg=before
level=INFO msg="in the step" a=1 step=ask caller=reserve correlation=00000000-0000-0000-0000-000000000001 causation=00000000-0000-0000-0000-000000000002
level=INFO msg="after it" action=reserve correlation=00000000-0000-0000-0000-000000000001
`
	if b.String() != want {
		t.Errorf("the lines are\n%swant\n%s", &b, want)
	}
}

func TestOperations(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := log.New(log.Config{Operations: logger(&b)})
	place := operation(talix.KindCommand, "order.place")
	place.EntityID = "7"
	tell := func(op talix.Operation, r talix.Report) {
		r.Operation, r.Duration = op, time.Millisecond
		p.Report(p.Begin(t.Context(), op), r)
	}
	tell(place, talix.Report{Events: 2})
	tell(place, talix.Report{Err: talix.Reject("no")})
	reserve := operation(talix.KindAction, "reserve")
	reserve.Attempt = 2
	tell(reserve, talix.Report{Err: talix.ErrInternal})
	tell(reserve, talix.Report{Waits: true})
	tell(operation(talix.KindRequest, "POST /orders"), talix.Report{Status: 503, Err: talix.ErrUnavailable})
	const id = "correlation=00000000-0000-0000-0000-000000000001"
	want := []string{
		`level=DEBUG msg=done command=order.place entity=7 ` + id + ` took=1ms events=2`,
		`level=DEBUG msg=failed command=order.place entity=7 ` + id + ` took=1ms error="rejected: no"`,
		`level=WARN msg=failed action=reserve ` + id + ` took=1ms attempt=2 error=internal`,
		`level=DEBUG msg=waits action=reserve ` + id + ` took=1ms attempt=2`,
		`level=WARN msg=failed request="POST /orders" ` + id + ` took=1ms status=503 error=unavailable`,
	}
	if got := strings.TrimSpace(b.String()); got != strings.Join(want, "\n") {
		t.Errorf("the lines are\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}

// A command whose lines are not asked for has its operation in the context, and
// nothing more.
func TestAllocations(t *testing.T) {
	// Not parallel: it counts the allocations of the whole process.
	p, op := log.New(log.Config{}), operation(talix.KindCommand, "account.deposit")
	n := testing.AllocsPerRun(2000, func() {
		ctx := p.Begin(context.Background(), op)
		p.Report(ctx, talix.Report{Operation: op, Duration: time.Millisecond, Events: 1})
	})
	if n > 3 {
		t.Errorf("%v allocations a command, want at most 3", n)
	}
}
