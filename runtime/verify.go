package runtime

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"

	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// EntityDifference is an entity whose snapshot leads to another state than its
// events do.
type EntityDifference struct {
	EntityType, EntityID string
	Version              int64 // of the states
	Snapshot             int64 // the version that the snapshot is of
	// Fields are what differs. There are none if the states only differ in what
	// JSON does not show, such as a list that is empty from one that is missing.
	Fields []FieldDifference
}

// FieldDifference is a part of two states that differs.
type FieldDifference struct {
	Path string // as in lines[3].amount
	// Snapshot and Events are what it is by the snapshot and by all events; nil
	// where there is none.
	Snapshot, Events json.RawMessage
}

// Verify compares what snapshots and the events after them add up to with what
// all events do, and yields the entities that differ. It looks at those named,
// or else at all of the type that have a snapshot. Snapshots that are not used
// (damaged, or of another reducer) are passed over, as they are by loads.
//
// A difference most often has its cause in an Apply that is not a pure function
// of state and event, or was changed without another CodeVersion. The commands
// and queries of those who call meanwhile go on.
func (e Entities) Verify(ctx context.Context, entityType string, ids ...string) iter.Seq2[EntityDifference, error] {
	return func(yield func(EntityDifference, error) bool) {
		def, err := e.definition(entityType)
		if err != nil {
			yield(EntityDifference{}, err)
			return
		}
		for id, err := range e.candidates(ctx, def, ids) {
			var c entity.Comparison
			if err == nil {
				c, err = e.r.engine.Compare(ctx, def, id)
			}
			switch {
			case err != nil:
				yield(EntityDifference{EntityType: def.Type, EntityID: id}, e.fault("verify "+def.Type+" "+id, err))
				return
			case !c.Equal() && !yield(differenceOf(def.Type, id, &c), nil):
				return
			}
		}
	}
}

// candidates are the ids that Verify looks at.
func (e Entities) candidates(ctx context.Context, def *registry.Entity, ids []string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, id := range ids {
			if !yield(id, nil) {
				return
			}
		}
		for p := 0; len(ids) == 0 && p < e.r.tail.Partitions(); p++ {
			for id, err := range e.r.snapshots.All(ctx, store.Partition(p), def) {
				if !yield(id, err) || err != nil {
					return
				}
			}
		}
	}
}

func differenceOf(entityType, id string, c *entity.Comparison) EntityDifference {
	d := EntityDifference{EntityType: entityType, EntityID: id, Version: int64(c.Version), Snapshot: int64(c.Snapshot)}
	d.Fields = compareJSON("", treeOf(c.With), treeOf(c.Full), nil)
	slices.SortFunc(d.Fields, func(a, b FieldDifference) int { return cmp.Compare(a.Path, b.Path) })
	return d
}

// treeOf is a state as JSON decodes it. A state that cannot be written is the
// text of its error.
func treeOf(state any) (tree any) {
	data, err := json.Marshal(state)
	if err != nil {
		return err.Error()
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&tree); err != nil {
		return err.Error()
	}
	return tree
}

// missing stands for what is not there.
type missing struct{}

func compareJSON(path string, a, b any, found []FieldDifference) []FieldDifference {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return compareObjects(path, x, y, found)
		}
	case []any:
		if y, ok := b.([]any); ok {
			return compareLists(path, x, y, found)
		}
	default:
		if _, list := b.([]any); !list && !isObject(b) && a == b {
			return found
		}
	}
	return append(found, FieldDifference{path, rawOf(a), rawOf(b)})
}

func isObject(v any) bool {
	_, is := v.(map[string]any)
	return is
}

func compareObjects(path string, a, b map[string]any, found []FieldDifference) []FieldDifference {
	for name, x := range a {
		y, ok := b[name]
		if !ok {
			y = missing{}
		}
		found = compareJSON(join(path, name), x, y, found)
	}
	for name, y := range b {
		if _, ok := a[name]; !ok {
			found = compareJSON(join(path, name), missing{}, y, found)
		}
	}
	return found
}

func compareLists(path string, a, b []any, found []FieldDifference) []FieldDifference {
	at := func(list []any, i int) any {
		if i < len(list) {
			return list[i]
		}
		return missing{}
	}
	for i := range max(len(a), len(b)) {
		found = compareJSON(path+"["+strconv.Itoa(i)+"]", at(a, i), at(b, i), found)
	}
	return found
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func rawOf(v any) json.RawMessage {
	if _, is := v.(missing); is {
		return nil
	}
	data, err := json.Marshal(v)
	if err != nil {
		return json.RawMessage(strconv.Quote(fmt.Sprint(v)))
	}
	return data
}
