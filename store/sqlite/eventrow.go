package sqlite

import (
	"github.com/talix-dev/talix/store"
	"zombiezen.com/go/sqlite"
)

// eventRow binds the columns of one event after the other. A statement keeps
// what is bound to it, and binding costs more than to look, so what is as it
// was is left.
type eventRow struct {
	stmt  *sqlite.Stmt
	kinds [eventParams]binding
	ints  [eventParams]int64
}

// eventParams is the number of columns, and one since they count from 1.
const eventParams = 16

// binding is what a parameter is known to hold.
type binding uint8

const (
	other binding = iota
	null
	integer
	none // an empty blob
)

// forget binds everything anew, after an error.
func (r *eventRow) forget() { r.kinds = [eventParams]binding{} }

func (r *eventRow) int(param int, v int64) {
	if r.kinds[param] == integer && r.ints[param] == v {
		return
	}
	r.kinds[param], r.ints[param] = integer, v
	r.stmt.BindInt64(param, v)
}

func (r *eventRow) null(param int) {
	if r.kinds[param] != null {
		r.kinds[param] = null
		r.stmt.BindNull(param)
	}
}

func (r *eventRow) id(param int, id *store.ID) {
	if id.IsZero() {
		r.null(param)
		return
	}
	r.kinds[param] = other
	r.stmt.BindBytes(param, id[:])
}

// cause saves the bytes of an id that is the command's.
func (r *eventRow) cause(param int, id, command *store.ID) {
	switch {
	case *id == *command:
		r.null(param)
	case !id.IsZero():
		r.id(param, id)
	case r.kinds[param] != none:
		r.kinds[param] = none
		r.stmt.BindBytes(param, nil)
	}
}

func (r *eventRow) text(param int, b []byte) {
	if b == nil {
		r.null(param)
		return
	}
	r.kinds[param] = other
	bindText(r.stmt, param, b)
}
