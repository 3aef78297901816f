package flow

import (
	"strings"

	"github.com/talix-dev/talix/internal/journal"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// Home is what the partition of a record is found by that kept work has: of an
// item, a step or a signal. False: the record is of another kind.
func Home(space, key string) (store.Stream, bool) {
	switch space {
	case work.Space, signalSpace:
		return work.Home(key)
	case journal.Space:
		key = strings.TrimPrefix(strings.TrimPrefix(key, undonePrefix), undoPrefix)
		return work.Home(key)
	}
	return store.Stream{}, false
}
