package talix

import (
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Fold is a view for those who want no SQL: a value of type V for each key,
// reduced from events.
type Fold[V any] struct {
	table *Table[foldRow[V]]
	get   *Query[FoldKey, foldRow[V]]
}

// FoldKey names a value of a Fold.
type FoldKey struct {
	Key string `path:"key" json:"key"`
}

// foldRow is how a value is kept.
type foldRow[V any] struct {
	Key   string `db:"key,key"`
	Value V
}

// NewFold defines a folded view by what events do to its values. V is kept as a
// column that holds it: as JSON, if it is a struct, slice or map. The key of a
// value is the entity's id, or a string that By or ByEach name. Everything else
// is as for NewTable: it is in fact a table of the given name with the columns
// key and value, which queries may read too.
func NewFold[V any](name string, projections ...Projection[V]) *Fold[V] {
	t := &Table[foldRow[V]]{def: tableOf[foldRow[V]](name, registry.Caller(1))}
	t.view = registry.View{Name: name, Place: t.def.Place, Version: 1}
	for _, p := range projections {
		t.view.Takes = append(t.view.Takes, foldTake[V](p.projection((*V)(nil))))
	}
	f := &Fold[V]{table: t}
	f.get = SQLOne[FoldKey, foldRow[V]](name+".get", `SELECT key, value FROM `+name+` WHERE key = :key`)
	f.get.def.Place = t.def.Place
	return f
}

// foldTake applies a projection to the value in a row.
func foldTake[V any](t registry.Take) registry.Take {
	if apply := t.Apply; apply != nil {
		t.Apply = func(row, event any, e *store.Event) { apply(&row.(*foldRow[V]).Value, event, e) }
	}
	if remove := t.Remove; remove != nil {
		t.Remove = func(row, event any, e *store.Event) bool { return remove(&row.(*foldRow[V]).Value, event, e) }
	}
	return t
}

// Get reads the value of a key. Inside an action it sees what the action's
// commands wrote. No value is an ErrNotFound.
func (f *Fold[V]) Get(ctx Asker, key string) (V, error) {
	row, err := Ask(ctx, f.get, FoldKey{key})
	return row.Value, err
}

// CodeVersion is as for a Table.
func (f *Fold[V]) CodeVersion(n int) *Fold[V] {
	f.table.CodeVersion(n)
	return f
}

// FromNow is as for a Table.
func (f *Fold[V]) FromNow() *Fold[V] {
	f.table.FromNow()
	return f
}

// StopOnPoison is as for a Table.
func (f *Fold[V]) StopOnPoison() *Fold[V] {
	f.table.StopOnPoison()
	return f
}

// KeepDeleted is as for a Table.
func (f *Fold[V]) KeepDeleted() *Fold[V] {
	f.table.KeepDeleted()
	return f
}

// Register hands the definition to a runtime; it is not for users.
func (f *Fold[V]) Register(r *registry.Registry) {
	f.table.Register(r)
	f.get.Register(r)
}
