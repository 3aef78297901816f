package console

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

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
		Kinds: []string{"event", "message", "request", "schedule", "timer", "workflow"},
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

func (c *Console) workItem(r *http.Request) (view, error) {
	id := r.URL.Query().Get("id")
	d, err := c.api.WorkDetail(r.Context(), id)
	if errors.Is(err, talix.ErrNotFound) { // it was done, perhaps while someone looked at it
		return view{page: "workdone", title: "Work", tab: "/work", Data: id}, nil
	}
	return view{page: "workitem", title: "Work of " + d.Action, tab: "/work", Data: d}, err
}

// do does what a button says, and goes back to where the button was.
func (c *Console) do(w http.ResponseWriter, r *http.Request) {
	form := r.PostForm
	note, err := c.done(r, r.PathValue("what"))
	if err != nil {
		note = "That did not work: " + problemText(err)
	}
	leaveNote(w, note)
	http.Redirect(w, r, backTo(form.Get("back")), http.StatusSeeOther)
}

func (c *Console) done(r *http.Request, what string) (note string, err error) {
	ctx, form := r.Context(), r.PostForm
	id, name := form.Get("id"), form.Get("name")
	switch what {
	case "retry":
		return "It is being tried again.", c.api.Retry(ctx, id)
	case "skip":
		return "It was given up; what stood behind it goes on.", c.api.Skip(ctx, id)
	case "cancel":
		return "It was asked to end, and what it did is being undone.", c.api.Cancel(ctx, id)
	case "signal":
		return "The signal was sent.", c.api.Signal(ctx, id, form.Get("signal"), json.RawMessage(form.Get("data")))
	case "replay":
		n, err := c.api.Replay(ctx, name)
		return fmt.Sprintf("%s being tried again.", plural(n, "parked piece of work is", "parked pieces of work are")), err
	case "rebuild":
		return "The rebuild has begun.", c.api.RebuildView(ctx, name)
	case "retry-parked":
		return "The events were taken.", c.api.RetryParked(ctx, name, form.Get("type"), id)
	case "skip-parked":
		return "The event was passed over.", c.api.SkipParked(ctx, name, form.Get("type"), id)
	}
	return "", notFound(r)
}
