package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

// workList is the page of work that is kept.
type workList struct {
	api.WorkPage
	Query   api.WorkQuery
	Kinds   []string
	Counts  api.Counts
	Actions []string // those with parked work on this page
}

func (c *Console) work(r *http.Request) (view, error) {
	q := r.URL.Query()
	l := workList{
		Query: api.WorkQuery{Kind: q.Get("kind"), Action: q.Get("action"), Status: q.Get("status"), After: q.Get("after")},
		Kinds: []string{"event", "message", "pour", "request", "schedule", "timer", "workflow"},
	}
	var err error
	if l.WorkPage, err = c.api.Work(r.Context(), l.Query); err != nil {
		return view{}, err
	}
	l.Counts = c.api.Health(r.Context()).Work
	seen := map[string]bool{}
	for _, i := range l.Items {
		if i.Status == "parked" && !seen[i.Action] {
			seen[i.Action] = true
			l.Actions = append(l.Actions, i.Action)
		}
	}
	return view{page: "work", title: "Work", tab: "/work", Data: l}, nil
}

// workPage is the page of one piece of work.
type workPage struct {
	api.WorkDetail
	Subject string // what is revealed
}

func (c *Console) workItem(r *http.Request) (view, error) {
	id := r.URL.Query().Get("id")
	subject := "work " + id
	d, err := c.api.WorkDetail(c.seeing(r, subject), id)
	if errors.Is(err, talix.ErrNotFound) { // it was done, perhaps while someone looked at it
		return view{page: "workdone", title: "Work", tab: "/work", Data: id}, nil
	}
	return view{page: "workitem", title: "Work of " + d.Action, tab: "/work", Data: workPage{d, subject}}, err
}

// do does what a button says, and goes back to where the button was.
func (c *Console) do(w http.ResponseWriter, r *http.Request) {
	deed := deeds()[r.PathValue("what")]
	if deed == nil {
		c.fail(w, r, notFound(r))
		return
	}
	note, err := deed(r.Context(), c.api, r.PostForm)
	if err != nil {
		note = "That did not work: " + problemText(err)
	}
	leaveNote(w, note)
	http.Redirect(w, r, backTo(r.PostForm.Get("back")), http.StatusSeeOther)
}

// deeds are what buttons do, by the ends of their paths; note is for when it
// worked.
func deeds() map[string]func(ctx context.Context, a *api.API, form url.Values) (note string, err error) {
	id := func(f url.Values) string { return f.Get("id") }
	name := func(f url.Values) string { return f.Get("name") }
	return map[string]func(context.Context, *api.API, url.Values) (string, error){
		"retry": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "It is being tried again.", a.Retry(ctx, id(f))
		},
		"skip": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "It was given up; what stood behind it goes on.", a.Skip(ctx, id(f))
		},
		"cancel": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "It was asked to end, and what it did is being undone.", a.Cancel(ctx, id(f))
		},
		"signal": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "The signal was sent.", a.Signal(ctx, id(f), f.Get("signal"), json.RawMessage(f.Get("data")))
		},
		"replay": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			n, err := a.Replay(ctx, name(f))
			return fmt.Sprintf("%s being tried again.", plural(n, "parked piece of work is", "parked pieces of work are")), err
		},
		"drain": func(ctx context.Context, a *api.API, _ url.Values) (string, error) {
			return "This node has handed everything over. It answers by way of the others until it is stopped.", a.Drain(ctx)
		},
		"rebuild": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "The rebuild has begun.", a.RebuildView(ctx, name(f))
		},
		"retry-parked": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "The events were taken.", a.RetryParked(ctx, name(f), f.Get("type"), id(f))
		},
		"skip-parked": func(ctx context.Context, a *api.API, f url.Values) (string, error) {
			return "The event was passed over.", a.SkipParked(ctx, name(f), f.Get("type"), id(f))
		},
	}
}
