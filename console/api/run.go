package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/form"
	"github.com/talix-dev/talix/console/meter"
)

// Runnable is something that can be run by hand.
type Runnable struct {
	Kind    string `json:"kind"` // command, action, query or workflow
	Name    string `json:"name"`
	Service string `json:"service"`
	Place   string `json:"place"`
	// Method and Path are those of what is run over HTTP.
	Method string `json:"method,omitempty"`
	Path   string `json:"path,omitempty"`
	// NeedsID: it is run on an entity, or under an id.
	NeedsID bool `json:"needsId,omitempty"`
	// Params are the parameters of a request, named as in path.id and query.min.
	Params []form.Field `json:"params,omitempty"`
	// Input are the fields of the input, or of the body.
	Input []form.Field `json:"input,omitempty"`
	// Changes: running it may change something.
	Changes bool `json:"changes"`
}

// RunRequest says what is to be run.
type RunRequest struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	ID   string `json:"id,omitempty"` // of the entity or workflow
	// Key gives the run its effect once, however often it is asked for.
	Key    string            `json:"key,omitempty"`
	Params map[string]string `json:"params,omitempty"` // as in path.id
	Input  json.RawMessage   `json:"input,omitempty"`
	// Header is sent with what is run over HTTP, as for authentication.
	Header map[string]string `json:"header,omitempty"`
	// Hide has runtime.Hidden stand in the place of all values of the answer,
	// where some may be personal.
	Hide bool `json:"hide,omitempty"`
}

// RunAnswer is what came of it.
type RunAnswer struct {
	Status      int           `json:"status"` // as HTTP has it
	OK          bool          `json:"ok"`
	Body        string        `json:"body"`
	Problem     *Problem      `json:"problem,omitempty"`
	Correlation string        `json:"correlation,omitempty"`
	Duration    time.Duration `json:"durationNanos"`
}

// Bounds of what is run by hand.
const (
	runWithin = time.Minute
	maxAnswer = 1 << 20
)

// Runnables are all that can be run by hand. Callers must not change them.
func (a *API) Runnables() []Runnable { return a.runnables() }

func (a *API) listRunnables() []Runnable {
	var all []Runnable
	for _, c := range a.catalog.Commands {
		all = append(all, Runnable{
			Kind: "command", Name: c.Name, Service: c.Service, Place: c.Place, NeedsID: true, Changes: true,
			Input: form.Fields(c.Input, a.catalog.Schemas, "input"),
		})
	}
	doc := a.openAPI()
	for _, d := range a.catalog.Actions {
		r := Runnable{Kind: "action", Name: d.Name, Service: d.Service, Place: d.Place, Changes: true}
		switch d.Trigger {
		case "http":
			r.Method, r.Path, _ = strings.Cut(d.On[0], " ")
			doc.fill(&r, a.catalog.Schemas)
			r.Changes = r.Method != http.MethodGet
			all = append(all, r)
		case "workflow":
			r.Kind, r.NeedsID, r.Input = "workflow", true, form.Fields(d.Input, a.catalog.Schemas, "input")
			all = append(all, r)
		}
	}
	for _, q := range a.catalog.Queries {
		r := Runnable{Kind: "query", Name: q.Name, Service: q.Service, Place: q.Place, Method: q.Method, Path: q.Path}
		if r.Path == "" {
			r.Input = form.Fields(q.Input, a.catalog.Schemas, "input")
		} else {
			doc.fill(&r, a.catalog.Schemas)
		}
		all = append(all, r)
	}
	return all
}

// Runnable finds what can be run.
func (a *API) Runnable(kind, name string) (Runnable, error) {
	all := a.Runnables()
	i := slices.IndexFunc(all, func(r Runnable) bool { return r.Kind == kind && r.Name == name })
	if i < 0 {
		return Runnable{}, talix.NotFound("nothing of kind %q named %q can be run here", kind, name)
	}
	return all[i], nil
}

// Run runs something by hand. What it is refused with is in the answer; the
// error is for what could not be begun.
func (a *API) Run(ctx context.Context, in RunRequest) (out RunAnswer, err error) {
	r, err := a.Runnable(in.Kind, in.Name)
	if err != nil {
		return out, err
	}
	ctx, cancel := context.WithTimeout(ctx, runWithin)
	defer cancel()
	started := a.cfg.Now()
	run := func() error {
		out = a.run(ctx, &r, &in)
		if in.Hide {
			out.Body = a.coverText(ctx, out.Body)
		}
		out.Duration = a.cfg.Now().Sub(started)
		return nil
	}
	if !r.Changes {
		if a.Personal() { // the answer may tell something personal
			defer a.audit(ctx, "run "+r.Kind, r.Name, slog.String("outcome", "done"))
		}
		err = run()
		return out, err
	}
	err = a.change(ctx, "run "+r.Kind, strings.TrimSpace(r.Name+" "+in.ID), run)
	if out.Correlation == "" {
		out.Correlation = a.correlation(&r, in.ID, started)
	}
	return out, err
}

func (a *API) run(ctx context.Context, r *Runnable, in *RunRequest) RunAnswer {
	if r.Path != "" {
		return a.request(ctx, r, in)
	}
	var data json.RawMessage
	var err error
	switch r.Kind {
	case "command":
		data, err = a.rt.Calls().Command(ctx, in.Name, in.ID, in.Input, in.Key)
	case "query":
		data, err = a.rt.Calls().Query(ctx, in.Name, in.Input)
	case "workflow":
		err = a.rt.Calls().Start(ctx, in.Name, in.ID, in.Input)
		data, _ = json.Marshal(map[string]string{"started": in.ID}) // strings always encode
	}
	if err != nil {
		p := ProblemOf(err)
		return RunAnswer{Status: p.Status, Problem: &p}
	}
	return RunAnswer{Status: http.StatusOK, OK: true, Body: string(data)}
}

// request runs what answers HTTP, as if it had been asked for from outside.
func (a *API) request(ctx context.Context, r *Runnable, in *RunRequest) RunAnswer {
	req, err := requestOf(ctx, r, in)
	if err != nil {
		p := ProblemOf(talix.Invalid("params", "%v", err))
		return RunAnswer{Status: p.Status, Problem: &p}
	}
	w := &answer{header: http.Header{}, status: http.StatusOK}
	serve(a.rt.Handler(), w, req)
	out := RunAnswer{Status: w.status, OK: w.status < 400, Body: w.body.String(), Correlation: w.header.Get("Talix-Correlation")}
	if w.cut {
		out.Body += "\n… (cut)"
	}
	if !out.OK {
		out.Problem = &Problem{}
		if json.Unmarshal(w.body.Bytes(), out.Problem) != nil {
			out.Problem = nil
		}
	}
	return out
}

// serve takes the panic of an answer that was cut off for its end.
func serve(h http.Handler, w *answer, req *http.Request) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			w.cut = true
		}
	}()
	h.ServeHTTP(w, req)
}

func requestOf(ctx context.Context, r *Runnable, in *RunRequest) (*http.Request, error) {
	path, query := r.Path, url.Values{}
	header := http.Header{}
	for _, p := range r.Params {
		value := in.Params[p.Name]
		place, name, _ := strings.Cut(p.Name, ".")
		switch {
		case place == "path":
			path = fillPath(path, name, value)
		case value == "":
		case place == "query":
			query.Set(name, value)
		default:
			header.Set(name, value)
		}
	}
	var body io.Reader = http.NoBody
	if len(in.Input) > 0 && r.Method != http.MethodGet {
		body = bytes.NewReader(in.Input)
		header.Set("Content-Type", "application/json")
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, "http://localhost"+strings.TrimSuffix(path, "{$}")+"?"+query.Encode(), body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.RequestURI, req.RemoteAddr = req.URL.RequestURI(), "console"
	req.Header = header
	if in.Key != "" {
		req.Header.Set("Idempotency-Key", in.Key)
	}
	for name, value := range in.Header {
		req.Header.Set(name, value)
	}
	return req, nil
}

func fillPath(path, name, value string) string {
	path = strings.ReplaceAll(path, "{"+name+"}", url.PathEscape(value))
	return strings.ReplaceAll(path, "{"+name+"...}", value)
}

// correlation finds what an operation was remembered under.
func (a *API) correlation(r *Runnable, id string, since time.Time) string {
	found := a.meter.Recent(1, func(rec *meter.Record) bool {
		return string(rec.Kind) == r.Kind && rec.Name == r.Name && rec.EntityID == id && !rec.Started.Before(since)
	})
	if len(found) == 0 {
		return ""
	}
	return found[0].Correlation.String()
}

// answer keeps what a handler answers, up to maxAnswer.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
	cut    bool
}

func (w *answer) Header() http.Header { return w.header }

func (w *answer) WriteHeader(status int) { w.status = status }

func (w *answer) Write(p []byte) (int, error) {
	if room := maxAnswer - w.body.Len(); room < len(p) {
		w.cut = true
		w.body.Write(p[:room])
		return room, errors.New("the answer is too large to be shown")
	}
	return w.body.Write(p)
}
