package console

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
	"github.com/talix-dev/talix/runtime"
)

// entityList is the page of an entity type.
type entityList struct {
	api.EntityPage
	Types  []runtime.EntityInfo
	Type   string
	Search string
	Born   bool // in the order of birth
	Behind bool // it is not the first page
}

const shownEntities = 50

func (c *Console) entities(r *http.Request) (view, error) {
	q := r.URL.Query()
	l := entityList{Types: c.api.Catalog().Entities, Type: q.Get("type"), Search: q.Get("search"), Born: q.Get("by") == string(runtime.ByBirth), Behind: q.Get("cursor") != ""}
	if l.Type == "" && len(l.Types) > 0 {
		l.Type = l.Types[0].Name
	}
	v := view{page: "entities", title: "Entities", tab: "/entities", Data: &l}
	if l.Type == "" {
		return v, nil
	}
	by := runtime.ByChange
	if l.Born {
		by = runtime.ByBirth
	}
	var err error
	l.EntityPage, err = c.api.Entities(r.Context(), api.EntityQuery{Type: l.Type, Search: l.Search, By: by, Cursor: q.Get("cursor"), Max: shownEntities})
	return v, err
}

// timeline is the page of an entity: some of its moments, one of which is
// looked at.
type timeline struct {
	api.Entity
	Newest       int64 // version
	At           api.Moment
	Page         []api.Moment // the newest first
	Older, Newer int64        // versions on the pages beside; zero: there is none
	First, Last  int64        // versions of this page
	Prev, Next   int64        // versions beside the one looked at
	Commands     []string     // that can be run on it
	Together     []api.GroupPart
	Subject      string // what is revealed
}

const shownMoments = 25

func (c *Console) entity(r *http.Request) (view, error) {
	q := r.URL.Query()
	t, err := c.timeline(r, q.Get("type"), q.Get("id"), q.Get("v"))
	if err != nil {
		return view{}, err
	}
	if t.Together, err = c.api.Together(r.Context(), t.Type, t.ID, t.At.Version); err != nil {
		return view{}, err
	}
	for _, d := range c.api.Catalog().Commands {
		if d.Entity == t.Type && !t.Deleted {
			t.Commands = append(t.Commands, d.Name)
		}
	}
	return view{page: "entity", title: t.Type + " " + t.ID, tab: "/entities", Data: t}, nil
}

func (c *Console) timeline(r *http.Request, entityType, id, version string) (t timeline, err error) {
	at := int64(0)
	if version != "" {
		if at, err = strconv.ParseInt(version, 10, 64); err != nil || at < 0 {
			return t, talix.Invalid("query.v", "is no version")
		}
	}
	t.Subject = entityType + " " + id
	ctx := c.seeing(r, t.Subject)
	newest, err := c.api.Events(ctx, entityType, id, api.EventQuery{Reverse: true, Max: 1})
	switch {
	case err != nil:
		return t, err
	case len(newest.Items) == 0:
		return t, talix.NotFound("%s %q has no events", entityType, id)
	}
	t.Newest = newest.Items[0].Version
	if at == 0 || at > t.Newest {
		at = t.Newest
	}
	t.Last = min(t.Newest, max(at, shownMoments)) // pages from the first event on
	if rest := at % shownMoments; rest != 0 {
		t.Last = min(t.Newest, at-rest+shownMoments)
	}
	t.First = max(t.Last-shownMoments+1, 1)
	if t.Entity, err = c.api.Entity(ctx, entityType, id, t.First, t.Last); err != nil {
		return t, err
	}
	t.look(at)
	return t, nil
}

func (t *timeline) look(at int64) {
	for _, m := range slices.Backward(t.Moments) {
		if m.Version >= t.First && m.Version <= t.Last {
			t.Page = append(t.Page, m)
		}
		if m.Version == at {
			t.At = m
		}
	}
	if t.First > 1 {
		t.Older = t.First - 1
	}
	if t.Last < t.Newest {
		t.Newer = min(t.Last+shownMoments, t.Newest)
	}
	t.Prev = at - 1
	if at < t.Newest {
		t.Next = at + 1
	}
}
