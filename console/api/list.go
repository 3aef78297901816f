package api

import (
	"context"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// EntityRef is an entity as a list has it.
type EntityRef struct {
	Type    string    `json:"type"`
	ID      string    `json:"id"`
	Version int64     `json:"version"`
	Time    time.Time `json:"time"`              // of its last event, or of its first one in a list by birth
	Event   string    `json:"event"`             // the last one's type
	Deleted bool      `json:"deleted,omitempty"` // by its last event
}

// EntityQuery says which entities are wanted. Zero fields want all, those that
// changed last first.
type EntityQuery struct {
	Type string
	// Search is what ids begin with. The entity whose whole id it is comes
	// first, wherever it is.
	Search string
	By     runtime.ListOrder // defaults to runtime.ByChange
	Oldest bool              // the oldest first
	// Cursor goes on behind an earlier page. It carries all of the above.
	Cursor string
	Max    int // defaults to 50, at most 500
}

// EntityPage is a page of entities.
type EntityPage struct {
	Items []EntityRef `json:"items"`
	// Next is the Cursor of the next page; empty: there is none. A page may be
	// short, and even empty, and still have one, as a page looks at a bounded
	// part of the log.
	Next string `json:"next,omitempty"`
	// Looked counts the entities that were looked at for a search.
	Looked int `json:"looked,omitempty"`
}

// maxLooked bounds the entities that a page of a search looks at.
const maxLooked = 20_000

// Entities lists entities page by page.
func (a *API) Entities(ctx context.Context, q EntityQuery) (EntityPage, error) {
	if q.Max <= 0 {
		q.Max = 50
	}
	q.Max = min(q.Max, 500)
	l := lister{a: a, search: q.Search, most: q.Max, page: EntityPage{Items: []EntityRef{}}}
	f, err := l.begin(ctx, q)
	if err != nil {
		return EntityPage{}, err
	}
	if err := l.walk(ctx, f); err != nil {
		return EntityPage{}, err
	}
	return l.page, l.tell(ctx)
}

// lister makes a page.
type lister struct {
	a      *API
	search string
	most   int
	page   EntityPage
}

// begin makes the filter of a first page, or goes on behind a cursor.
func (l *lister) begin(ctx context.Context, q EntityQuery) (f runtime.ListFilter, err error) {
	if q.Cursor != "" {
		search, rest, ok := cutCursor(q.Cursor)
		if !ok {
			return f, talix.Invalid("query.cursor", "is none of a list of entities")
		}
		l.search = search
		return runtime.ListFilter{Cursor: rest}, nil
	}
	if q.Type != "" {
		if err := l.a.hasEntity(q.Type); err != nil {
			return f, err
		}
	}
	if q.By == "" {
		q.By = runtime.ByChange
	}
	return runtime.ListFilter{EntityType: q.Type, By: q.By, Reverse: !q.Oldest}, l.exact(ctx, q.Type)
}

// exact finds the entities whose whole id is searched for.
func (l *lister) exact(ctx context.Context, entityType string) error {
	if l.search == "" {
		return nil
	}
	for _, e := range l.a.catalog.Entities {
		if entityType != "" && e.Name != entityType {
			continue
		}
		moments, err := l.a.rt.Entities().Events(ctx, e.Name, l.search, runtime.EventFilter{Reverse: true, Max: 1})
		if err != nil {
			return err
		}
		for i := range moments {
			m := &moments[i]
			l.page.Items = append(l.page.Items, EntityRef{Type: m.EntityType, ID: m.EntityID, Version: m.Version, Time: m.Time})
		}
	}
	return nil
}

// walk fills the page. Where little is found, it looks at more at a time.
func (l *lister) walk(ctx context.Context, f runtime.ListFilter) error {
	for portion := l.most; len(l.page.Items) < l.most; portion = min(4*portion, 1000) {
		f.Max = portion
		got, err := l.a.rt.Entities().List(ctx, f)
		if err != nil {
			return err
		}
		if cut := l.cut(got.Entities); cut < len(got.Entities) { // what comes behind is the next page's
			f.Max = cut
			if got, err = l.a.rt.Entities().List(ctx, f); err != nil {
				return err
			}
		}
		l.take(got.Entities)
		l.page.Next = joinCursor(l.search, got.Cursor)
		if got.Cursor == "" || l.search == "" || l.page.Looked >= maxLooked {
			return nil
		}
		f = runtime.ListFilter{Cursor: got.Cursor}
	}
	return nil
}

// cut is how many of the entities fit on the page with those before them.
func (l *lister) cut(found []runtime.Listed) int {
	room := l.most - len(l.page.Items)
	for i := range found {
		if l.wants(&found[i]) {
			if room--; room == 0 {
				return i + 1
			}
		}
	}
	return len(found)
}

// wants tells whether an entity is searched for, and not told of as the one of
// exactly that id.
func (l *lister) wants(e *runtime.Listed) bool {
	return strings.HasPrefix(e.EntityID, l.search) && (l.search == "" || e.EntityID != l.search)
}

func (l *lister) take(found []runtime.Listed) {
	if l.search != "" {
		l.page.Looked += len(found)
	}
	for i := range found {
		if e := &found[i]; l.wants(e) {
			l.page.Items = append(l.page.Items, EntityRef{Type: e.EntityType, ID: e.EntityID, Version: e.Version, Time: e.Time})
		}
	}
}

// tell adds to each entity what its last event was.
func (l *lister) tell(ctx context.Context) error {
	for i := range l.page.Items {
		e := &l.page.Items[i]
		if l.a.hasEntity(e.Type) != nil {
			continue // no service has the type any more
		}
		moments, err := l.a.rt.Entities().Events(ctx, e.Type, e.ID, runtime.EventFilter{Reverse: true, Max: 1})
		if err != nil {
			return err
		}
		if len(moments) > 0 {
			e.Event, e.Deleted = moments[0].EventType, moments[0].Ends
		}
	}
	return nil
}

func (a *API) hasEntity(entityType string) error {
	if !slices.ContainsFunc(a.catalog.Entities, func(e runtime.EntityInfo) bool { return e.Name == entityType }) {
		return talix.NotFound("no service has the entity %q", entityType)
	}
	return nil
}

// joinCursor adds to a cursor of a list what was searched for; empty stays
// empty.
func joinCursor(search, cursor string) string {
	if cursor == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(search)) + "." + cursor
}

func cutCursor(text string) (search, cursor string, ok bool) {
	head, cursor, ok := strings.Cut(text, ".")
	data, err := base64.RawURLEncoding.DecodeString(head)
	return string(data), cursor, ok && err == nil && cursor != ""
}

// orderOf reads the order of a list.
func orderOf(text string) (runtime.ListOrder, error) {
	switch by := runtime.ListOrder(text); by {
	case "", runtime.ByChange, runtime.ByBirth:
		return by, nil
	}
	return "", talix.Invalid("query.by", "is %s or %s", runtime.ByChange, runtime.ByBirth)
}

// truth reads a yes or no; empty is no.
func truth(name, text string) (bool, error) {
	if text == "" {
		return false, nil
	}
	yes, err := strconv.ParseBool(text)
	if err != nil {
		return false, talix.Invalid("query."+name, "is true or false")
	}
	return yes, nil
}
