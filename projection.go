package talix

import (
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Projection says what one type of event does to rows of type R. It is made by
// When and DeleteWhen, alone or inside of By and ByEach.
type Projection[R any] interface {
	projection(*R) registry.Take
}

// Mapping is the Projection of events of type E.
type Mapping[R, E any] struct {
	take registry.Take
}

func (c Mapping[R, E]) projection(*R) registry.Take { return c.take }

// When changes the row of the entity that the event is about. The row is new,
// with its key set, if there is none. change must be a pure function of its
// arguments: it runs again when the view is rebuilt. If it panics, the row is
// as it was, and the event is parked.
func When[R any, E EventFor[S], S any](change func(row *R, e Recorded[E])) Mapping[R, E] {
	return Mapping[R, E]{registry.Take{
		Go: reflect.TypeFor[E](),
		Apply: func(row, event any, e *store.Event) {
			change(row.(*R), Recorded[E]{metaOf(e), event.(E)})
		},
	}}
}

// DeleteWhen removes the row of the entity that the event is about if gone
// returns true; otherwise the row stays, with what gone changed. Where there is
// no row, gone is not asked. It must be a pure function, as for When.
func DeleteWhen[R any, E EventFor[S], S any](gone func(row *R, e Recorded[E]) bool) Mapping[R, E] {
	return Mapping[R, E]{registry.Take{
		Go: reflect.TypeFor[E](),
		Remove: func(row, event any, e *store.Event) bool {
			return gone(row.(*R), Recorded[E]{metaOf(e), event.(E)})
		},
	}}
}

// By changes the row that key names, instead of that of the entity's id, so
// that many entities can share a row. K is the type of the key field of R, or R
// itself, with the key fields set; a row that is not there yet then begins with
// what key returned.
func By[R, E, K any](key func(e Recorded[E]) K, change Mapping[R, E]) Mapping[R, E] {
	return byKeys(change, func(e Recorded[E]) []any { return []any{key(e)} }, reflect.TypeFor[K]())
}

// ByEach changes all rows that keys names, one after the other, so that one
// event can change many rows.
func ByEach[R, E, K any](keys func(e Recorded[E]) []K, change Mapping[R, E]) Mapping[R, E] {
	return byKeys(change, func(e Recorded[E]) []any {
		all := keys(e)
		erased := make([]any, len(all))
		for i, k := range all {
			erased[i] = k
		}
		return erased
	}, reflect.TypeFor[K]())
}

func byKeys[R, E any](c Mapping[R, E], keys func(e Recorded[E]) []any, key reflect.Type) Mapping[R, E] {
	c.take.Key = key
	c.take.Keys = func(event any, e *store.Event) []any {
		return keys(Recorded[E]{metaOf(e), event.(E)})
	}
	return c
}
