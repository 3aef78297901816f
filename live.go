package talix

import (
	"errors"
	"iter"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
)

// Live lets callers watch an SQL query: its present rows, then each change of
// them, in Go by Watch, and over HTTP, where it is exposed, as server-sent
// events for a request that accepts text/event-stream. columns are those of the
// result that tell its rows apart; they default to those of PageBy. A live
// query shows its first page, or all its rows where it has no pages: 1,000 at
// most, in the order of PageBy or of the text.
//
// The events are
//
//	present  {"items":[{"key":"…","row":{…}},…]}  all rows; forget what was before
//	insert   {"key":"…","at":0,"row":{…}}         a row that takes the place at
//	update   {"key":"…","at":0,"row":{…}}         a row that changed in its place
//	delete   {"key":"…"}                          a row that is gone
//	end      {"code":"…","detail":"…"}            the last event: come back
//
// Whoever applies them one after another has the result as it is. A row that
// moves is deleted and inserted. Several changes of a row in a short time may
// come as one.
//
// Each event has an id. A browser's EventSource comes back with the last one by
// itself and gets what it has missed, each change once; if that is too long
// ago, or the program was started anew, it gets the present rows. A reader that
// is too slow is ended, and may come back.
func Live(columns ...string) QueryOption {
	return func(q *registry.Query) {
		if !q.Streams() {
			q.Faults = append(q.Faults, errors.New("Live is for SQL queries of many rows: remove it, or use talix.SQL"))
			return
		}
		q.SQL.Live, q.SQL.LiveKey = true, columns
	}
}

// ChangeKind says what a Change does.
type ChangeKind string

// The kinds of changes.
const (
	// ChangePresent: Rows are all there are; what was known before is void.
	ChangePresent ChangeKind = "present"
	// ChangeInsert: Row is new, and takes the place At.
	ChangeInsert ChangeKind = "insert"
	// ChangeUpdate: Row has changed in its place At.
	ChangeUpdate ChangeKind = "update"
	// ChangeDelete: Row is gone.
	ChangeDelete ChangeKind = "delete"
)

// Change is one step of what a watcher of a live query knows.
type Change[R any] struct {
	Kind ChangeKind
	Key  string // tells the row apart from the others
	At   int    // the row's place in the result, from zero
	Row  R
	Rows []R // of ChangePresent
}

// Watch gives the present rows of a live query, then each change, until ctx
// ends or the loop does. A loop that is too slow gets ErrOverloaded; any error
// is the last element. Begin again then.
func Watch[In, R any](ctx Asker, q *Query[In, Page[R]], in In) iter.Seq2[Change[R], error] {
	return func(yield func(Change[R], error) bool) {
		c, host := ctx.asker()
		for change, err := range host.Watch(c, &q.def, in) {
			if err != nil {
				yield(Change[R]{}, fromEngine(err))
				return
			}
			if change.Kind != registry.Beat && !yield(changeOf[R](change), nil) {
				return
			}
		}
	}
}

func changeOf[R any](c registry.Change) Change[R] {
	out := Change[R]{Kind: kindOf(c.Kind), At: c.At}
	if c.Row != nil {
		out.Key, out.Row = c.Row.Key, rowOf[R](c.Row)
	}
	for _, row := range c.Rows {
		out.Rows = append(out.Rows, rowOf[R](row))
	}
	return out
}

func kindOf(k registry.ChangeKind) ChangeKind {
	switch k {
	case registry.Insert:
		return ChangeInsert
	case registry.Update:
		return ChangeUpdate
	case registry.Delete:
		return ChangeDelete
	}
	return ChangePresent
}

// rowOf is the watcher's own copy of a row.
func rowOf[R any](row *registry.LiveRow) R {
	r := *row.Value.(*R)
	registry.DeepCopy(reflect.ValueOf(&r).Elem())
	return r
}

// Each gives the rows of an SQL query one by one, however many there are, as
// they are read: those of all pages, whatever In says of a page. They are as of
// one moment. The loop is ended after five minutes. An error is the last
// element, of type *Error.
//
// What the loop does takes the query's time, and holds what it reads in the
// database; work that takes long is better done page by page.
func Each[In, R any](ctx Asker, q *Query[In, Page[R]], in In) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		c, host := ctx.asker()
		for row, err := range host.Each(c, &q.def, in) {
			if err != nil {
				yield(*new(R), fromEngine(err))
				return
			}
			if !yield(*row.(*R), nil) {
				return
			}
		}
	}
}
