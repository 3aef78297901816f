// Package console is talix's web console: what a runtime hosts, how it is, and
// what people can mend, as pages of HTML and as a JSON API below /api/v1/. It
// is a plain http.Handler with everything embedded: no build step, nothing from
// other sites.
//
// Without a token it serves callers of this machine only: give it to a listener
// on a loopback address. Package standalone does all that.
package console

import (
	"context"
	"embed"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

//go:embed page asset
var files embed.FS

// Config says what a Console shows, and to whom.
type Config struct {
	Runtime *runtime.Runtime
	// Meter is a plugin of the same runtime, for rates and flows; nil: there
	// are none.
	Meter *meter.Meter
	// Token is what callers must know, at least MinToken bytes. Empty: requests
	// are answered that name this machine by a loopback address, so the
	// listener must be on one.
	Token string
	// Authorize, if not nil, is asked in place of the token, at each request: it
	// names who calls, for audit events, or says why they may not come in, as
	// after a look at a cookie or header of the user's own way to sign in. What
	// it says is shown to them. It may be called from many goroutines. The
	// console still refuses pages and forms of other sites.
	Authorize func(*http.Request) (who string, err error)
	// ReadOnly refuses whatever changes something.
	ReadOnly bool
	// StoreSize tells how many bytes the stores take; nil: it is not shown.
	StoreSize func(ctx context.Context) (int64, error)
	// Log gets an audit event for each change. Defaults to slog.Default().
	Log *slog.Logger
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// MinToken is how many bytes a token has at least.
const MinToken = 16

// Console is the handler. Close it before the server is shut down, which waits
// for the pages that are kept up.
type Console struct {
	api   *api.API
	log   *slog.Logger
	now   func() time.Time
	guard *guard
	pages pages

	reveals reveals
	mux     *http.ServeMux
	paths   []string // with their methods, as they are registered

	ending chan struct{} // closed by Close
	end    sync.Once
	lives  chan struct{} // a place for each page that is kept up
}

// New makes a Console.
func New(c Config) *Console {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	console := &Console{
		api: api.New(api.Config{Runtime: c.Runtime, Meter: c.Meter, StoreSize: c.StoreSize, ReadOnly: c.ReadOnly, Log: c.Log, Now: c.Now}),
		log: c.Log, now: c.Now, guard: newGuard(c), mux: http.NewServeMux(), pages: parsePages(),
		reveals: reveals{now: c.Now, until: map[reveal]time.Time{}},
		ending:  make(chan struct{}), lives: make(chan struct{}, maxLives),
	}
	console.routes()
	return console
}

// Close ends the pages that are kept up, and what follows the log; later ones
// are refused.
func (c *Console) Close() {
	c.end.Do(func() { close(c.ending) })
	c.api.Close()
}

func (c *Console) routes() {
	for path, page := range map[string]func(*http.Request) (view, error){
		"/{$}": c.health, "/map": c.graph, "/entities": c.entities, "/entity": c.entity, "/views": c.views, "/view": c.view, "/sql": c.sql,
		"/work": c.work, "/work/item": c.workItem, "/run": c.runnables, "/run/form": c.runForm, "/flows": c.flows, "/flow": c.flow,
		"/cluster": c.cluster,
	} {
		c.handle("GET "+path, func(w http.ResponseWriter, r *http.Request) { c.show(w, r, page) })
	}
	c.handle("GET /login", c.loginForm)
	c.handle("POST /login", c.login)
	c.handle("POST /logout", c.logout)
	c.handle("POST /do/{what}", c.do)
	c.handle("POST /run/form", c.runNow)
	c.handle("POST /view/verify", c.verify)
	c.handle("POST /reveal", c.reveal)
	c.handle("GET /live", c.live)
	c.handle("GET /asset/{name}", serveAsset)
	c.mux.Handle("/api/v1/", c.api.Handler())
	c.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { c.fail(w, r, notFound(r)) })
}

func (c *Console) handle(pattern string, fn http.HandlerFunc) {
	c.paths = append(c.paths, pattern)
	c.mux.HandleFunc(pattern, fn)
}

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	r, err := c.guard.admit(w, r)
	switch {
	case err != nil:
		c.refuse(w, r, err)
	default:
		c.mux.ServeHTTP(w, r)
	}
}
