package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/talix-dev/talix"
)

// maxBody bounds the body of a request, in bytes.
const maxBody = 1 << 20

// router knows what it answers.
type router struct {
	http.ServeMux
	routes []string
}

// Handler answers the JSON API, below /api/v1/.
func (a *API) Handler() http.Handler { return a.router() }

// Routes are the methods and paths that Handler answers, as in
// GET /api/v1/health.
func (a *API) Routes() []string { return a.router().routes }

func (a *API) router() *router {
	mux := &router{}
	a.readers(mux)
	a.histories(mux)
	a.changers(mux)
	mux.handle("GET /api/v1/tail", a.serveTail)
	mux.handle("POST /api/v1/bench", a.serveBench)
	a.revealers(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		WriteProblem(w, talix.NotFound("there is no %s %s", r.Method, r.URL.Path))
	})
	return mux
}

func (a *API) readers(mux *router) {
	get(mux, "health", func(ctx context.Context, _ url.Values) (Health, error) { return a.Health(ctx), nil })
	get(mux, "map", func(context.Context, url.Values) (Map, error) { return a.Map(), nil })
	get(mux, "catalog", func(context.Context, url.Values) (any, error) { return a.catalog, nil })
	get(mux, "entities", a.listEntities)
	get(mux, "cluster", func(context.Context, url.Values) (Cluster, error) { return a.Cluster(), nil })
	get(mux, "entity", func(ctx context.Context, q url.Values) (Entity, error) {
		first, err := number(q, "first", 0)
		last, err2 := number(q, "last", 0)
		if err := errors.Join(err, err2); err != nil {
			return Entity{}, err
		}
		return a.Entity(ctx, q.Get("type"), q.Get("id"), first, last)
	})
	get(mux, "event/together", func(ctx context.Context, q url.Values) ([]GroupPart, error) {
		version, err := number(q, "version", 0)
		if err != nil {
			return nil, err
		}
		return a.Together(ctx, q.Get("type"), q.Get("id"), version)
	})
	get(mux, "views", func(context.Context, url.Values) ([]View, error) { return a.Views(), nil })
	get(mux, "view", func(_ context.Context, q url.Values) (View, error) { return a.View(q.Get("name")) })
	get(mux, "view/parked", func(ctx context.Context, q url.Values) ([]ParkedEvent, error) {
		return a.ParkedEvents(ctx, q.Get("name"))
	})
	get(mux, "rows", func(ctx context.Context, q url.Values) (Rows, error) {
		offset, err := number(q, "offset", 0)
		n, err2 := number(q, "max", 100)
		if err := errors.Join(err, err2); err != nil {
			return Rows{}, err
		}
		return a.Rows(ctx, q.Get("table"), int(offset), int(n))
	})
	get(mux, "work", func(ctx context.Context, q url.Values) (WorkPage, error) {
		n, err := number(q, "max", 50)
		if err != nil {
			return WorkPage{}, err
		}
		return a.Work(ctx, WorkQuery{q.Get("kind"), q.Get("action"), q.Get("status"), q.Get("after"), int(n)})
	})
	get(mux, "work/item", func(ctx context.Context, q url.Values) (WorkDetail, error) { return a.WorkDetail(ctx, q.Get("id")) })
	get(mux, "runnables", func(context.Context, url.Values) ([]Runnable, error) { return a.Runnables(), nil })
	get(mux, "flows", func(_ context.Context, q url.Values) (Flows, error) { return a.Flows(q.Get("failed") != ""), nil })
	get(mux, "flow", func(ctx context.Context, q url.Values) (Flow, error) { return a.Flow(ctx, q.Get("correlation")) })
}

// The bodies of requests that change something.
type (
	nothing struct{}
	byName  struct {
		Name string `json:"name"`
	}
	byID struct {
		ID string `json:"id"`
	}
	ofView struct {
		Name       string `json:"name"`
		EntityType string `json:"entityType"`
		EntityID   string `json:"entityId"`
	}
	sqlText struct {
		SQL string `json:"sql"`
	}
	signal struct {
		RunID  string          `json:"runId"`
		Signal string          `json:"signal"`
		Data   json.RawMessage `json:"data,omitempty"`
	}
	done struct {
		Done  bool `json:"done"`
		Count int  `json:"count,omitempty"`
	}
)

func (a *API) changers(mux *router) {
	post(mux, "sql", func(ctx context.Context, in sqlText) (Rows, error) { return a.SQL(ctx, in.SQL) })
	post(mux, "view/rebuild", func(ctx context.Context, in byName) (done, error) { return did(a.RebuildView(ctx, in.Name)) })
	post(mux, "view/verify", func(ctx context.Context, in byName) ([]Difference, error) { return a.VerifyView(ctx, in.Name) })
	post(mux, "view/retry", func(ctx context.Context, in ofView) (done, error) {
		return did(a.RetryParked(ctx, in.Name, in.EntityType, in.EntityID))
	})
	post(mux, "view/skip", func(ctx context.Context, in ofView) (done, error) {
		return did(a.SkipParked(ctx, in.Name, in.EntityType, in.EntityID))
	})
	post(mux, "work/retry", func(ctx context.Context, in byID) (done, error) { return did(a.Retry(ctx, in.ID)) })
	post(mux, "work/skip", func(ctx context.Context, in byID) (done, error) { return did(a.Skip(ctx, in.ID)) })
	post(mux, "work/cancel", func(ctx context.Context, in byID) (done, error) { return did(a.Cancel(ctx, in.ID)) })
	post(mux, "work/signal", func(ctx context.Context, in signal) (done, error) {
		return did(a.Signal(ctx, in.RunID, in.Signal, in.Data))
	})
	post(mux, "work/replay", func(ctx context.Context, in byName) (done, error) {
		n, err := a.Replay(ctx, in.Name)
		return done{err == nil, n}, err
	})
	post(mux, "cluster/drain", func(ctx context.Context, _ nothing) (done, error) { return did(a.Drain(ctx)) })
	post(mux, "run", func(ctx context.Context, in RunRequest) (RunAnswer, error) { return a.Run(ctx, in) })
}

// listEntities reads the query of a list.
func (a *API) listEntities(ctx context.Context, q url.Values) (EntityPage, error) {
	n, err := number(q, "max", 0)
	by, err2 := orderOf(q.Get("by"))
	oldest, err3 := truth("oldest", q.Get("oldest"))
	if err := cmp.Or(err, err2, err3); err != nil {
		return EntityPage{}, err
	}
	return a.Entities(ctx, EntityQuery{Type: q.Get("type"), Search: q.Get("search"), By: by, Oldest: oldest, Cursor: q.Get("cursor"), Max: int(min(n, 500))})
}

func did(err error) (done, error) { return done{Done: err == nil}, err }

func number(q url.Values, name string, otherwise int64) (int64, error) {
	text := q.Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, talix.Invalid("query."+name, "is no number from zero on")
	}
	return n, nil
}

func (mux *router) handle(pattern string, fn http.HandlerFunc) {
	mux.routes = append(mux.routes, pattern)
	mux.HandleFunc(pattern, fn)
}

func get[T any](mux *router, path string, fn func(context.Context, url.Values) (T, error)) {
	mux.handle("GET /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
		out, err := fn(r.Context(), r.URL.Query())
		respond(w, out, err)
	})
}

func post[In, Out any](mux *router, path string, fn func(context.Context, In) (Out, error)) {
	mux.handle("POST /api/v1/"+path, func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decode(w, r, &in); err != nil {
			WriteProblem(w, err)
			return
		}
		out, err := fn(r.Context(), in)
		respond(w, out, err)
	})
}

// decode reads a body. Browsers send JSON to other sites after asking only,
// which this API never allows.
func decode(w http.ResponseWriter, r *http.Request, in any) error {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return talix.Reject("send application/json").WithStatus(http.StatusUnsupportedMediaType)
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err := d.Decode(in)
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return talix.Reject("the body has more than %d bytes", maxBody).WithStatus(http.StatusRequestEntityTooLarge)
	}
	if err != nil {
		return talix.Invalid("body", "%v", err)
	}
	return nil
}

func respond(w http.ResponseWriter, out any, err error) {
	if err != nil {
		WriteProblem(w, err)
		return
	}
	data, err := json.Marshal(out)
	if err != nil {
		WriteProblem(w, fmt.Errorf("write answer: %w", err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(data)
}
