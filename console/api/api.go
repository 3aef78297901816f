// Package api is what operators can see and do, in Go and as JSON over HTTP: the
// console shows it, and other tools use it. It says nothing of who may: package
// console guards it.
package api

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

// Config says what an API stands on.
type Config struct {
	Runtime *runtime.Runtime
	// Meter is a plugin of the same runtime. Without it, there are no rates,
	// and flows are what the log says.
	Meter *meter.Meter
	// StoreSize tells how many bytes the stores take; nil: it is not known.
	StoreSize func(ctx context.Context) (int64, error)
	// ReadOnly refuses whatever changes something.
	ReadOnly bool
	// Log gets an audit event for each change. Defaults to slog.Default().
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// API is what operators can see and do. Its methods may be called from many
// goroutines. Errors are of type *talix.Error.
type API struct {
	cfg     Config
	rt      *runtime.Runtime
	meter   *meter.Meter
	catalog runtime.Catalog

	mu     sync.Mutex // of what follows
	counts workCounts
	size   int64
	sized  time.Time

	ending chan struct{} // closed by Close
	end    sync.Once
	tails  chan struct{} // a place for each caller who follows the log

	benching chan struct{} // a place for one bench

	runnables func() []Runnable // made at the first call
}

// New makes an API.
func New(c Config) *API {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Meter == nil {
		c.Meter = meter.New(meter.Config{Records: 1, Failures: 1})
	}
	a := &API{
		cfg: c, rt: c.Runtime, meter: c.Meter, catalog: c.Runtime.Catalog(),
		ending: make(chan struct{}), tails: make(chan struct{}, maxTails), benching: make(chan struct{}, 1),
	}
	a.runnables = sync.OnceValue(a.listRunnables)
	return a
}

// Close ends the answers of Handler that go on and on; later ones are refused.
// Call it before the server is shut down, which waits for them.
func (a *API) Close() { a.end.Do(func() { close(a.ending) }) }

// Catalog is what the runtime hosts.
func (a *API) Catalog() runtime.Catalog { return a.catalog }

// ReadOnly tells whether changes are refused.
func (a *API) ReadOnly() bool { return a.cfg.ReadOnly }

// Seq rises with what is remembered of operations.
func (a *API) Seq() uint64 { return a.meter.Seq() }

type actorKey struct{}

// WithActor names who calls, for audit events.
func WithActor(ctx context.Context, who string) context.Context {
	return context.WithValue(ctx, actorKey{}, who)
}

// change does what changes something, and logs who did it and what became of
// it.
func (a *API) change(ctx context.Context, what, subject string, fn func() error) error {
	err := errReadOnly()
	if !a.cfg.ReadOnly {
		err = fn()
	}
	outcome := slog.String("outcome", "done")
	if err != nil {
		outcome = slog.String("outcome", err.Error())
	}
	a.audit(ctx, what, subject, outcome)
	return err
}

// audit logs who did what.
func (a *API) audit(ctx context.Context, what, subject string, outcome slog.Attr) {
	who, _ := ctx.Value(actorKey{}).(string)
	a.cfg.Log.LogAttrs(ctx, slog.LevelInfo, "audit",
		slog.String("what", what), slog.String("subject", subject), slog.String("who", cmp.Or(who, "unknown")), outcome)
}

func errReadOnly() error {
	return talix.Reject("this console only reads: start the program without --admin-read-only").WithStatus(403)
}
