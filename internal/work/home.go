package work

import (
	"strings"

	"github.com/talix-dev/talix/store"
)

// Home is what the partition is found by, with store.PartitionOf, to which the
// item or run of that id belongs; what follows in the id does not matter. False:
// the id is of another form, or of a pour, which belongs to a partition itself.
// Stored data depends on it: it never changes.
func Home(id string) (store.Stream, bool) {
	parts := strings.Split(id, "/")
	for i := range parts {
		parts[i] = Unescape(parts[i])
	}
	at := func(i int) string { return parts[i] }
	switch kind, n := Kind(parts[0]), len(parts); {
	case kind == Workflow && n > 2:
		return store.Stream{Type: "workflow/" + at(1), ID: at(2)}, true
	case kind == Message && n > 1:
		return messagesOf(at(1)), true
	case kind == Request && n > 1:
		return store.Stream{Type: "request", ID: at(1)}, true
	case kind == Schedule && n > 1:
		return store.Stream{Type: "schedule", ID: at(1)}, true
	case kind == Event && n > 3:
		return store.Stream{Type: at(2), ID: at(3)}, true
	case kind == Timer && n > 4:
		if owner := (store.Stream{Type: at(2), ID: at(3)}); owner != (store.Stream{}) {
			return owner, true
		}
		return store.Stream{Type: "timer/" + at(1), ID: at(4)}, true
	}
	return store.Stream{}, false
}

// messagesOf is what the partition is found by in which the messages of an
// action are kept: all in one, so that who serves it knows all of its lanes.
func messagesOf(action string) store.Stream { return store.Stream{Type: "message", ID: action} }

// MessageHome is that partition in a store of so many.
func MessageHome(action string, partitions int) store.Partition {
	return store.PartitionOf(messagesOf(action), partitions)
}

// Unescape undoes registry.Escape.
func Unescape(part string) string { return unescaper.Replace(part) }

var unescaper = strings.NewReplacer("%2F", "/", "%25", "%")
