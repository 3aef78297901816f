package flow

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/id"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
	"github.com/talix-dev/talix/store"
)

// armed is the input of a timer's item.
type armed struct {
	Key string          `json:"key,omitempty"`
	Due time.Time       `json:"due"`
	In  json.RawMessage `json:"in"`
}

// Cause is what set a timer.
type Cause struct {
	Base        store.ID // what the ids of the timer's run derive from
	Correlation store.ID
	Causation   store.ID
	Of          string // whom its input is about where it does not tell
	Carried     []byte // what goes along, as metadata of an event would
}

// timerID names the timer of an entity, or of none.
func timerID(t *registry.Timer, owner store.Stream, key string) string {
	return registry.RunID("timer", t.Name, owner.Type, owner.ID, key)
}

// timerHome is the partition of a timer: its entity's, if it has one.
func (f *Flow) timerHome(t string, owner store.Stream, key string) store.Partition {
	if owner == (store.Stream{}) {
		owner = store.Stream{Type: "timer/" + t, ID: key}
	}
	return f.home(owner)
}

// set makes the changes that set a timer. What an earlier one of the same name
// had begun is forgotten.
func (f *Flow) set(ctx context.Context, c Cause, t *registry.Timer, owner store.Stream, key string, when time.Time, in []byte) (work.Item, []store.Change, error) {
	if f.actions[actionKey{work.Timer, t.Name}] == nil {
		panic(fmt.Sprintf("no service has an action for the timer %q: add talix.OnTimer for it to Components", t.Name))
	}
	in, err := f.cfg.Seal.Keep(ctx, t.In, in, cmp.Or(owner.ID, c.Of))
	if err != nil {
		return work.Item{}, nil, err
	}
	data, err := json.Marshal(armed{key, when, in})
	if err != nil {
		panic(err) // in is JSON
	}
	now := f.cfg.Now()
	name := timerID(t, owner, key)
	item := work.Item{
		ID: name, Partition: f.timerHome(t.Name, owner, key), Kind: work.Timer, Action: t.Name, Status: work.Ready,
		Due: when, Created: now, Changed: now, Stream: owner, Input: data,
		Run: name + "/" + c.Base.String(), Base: c.Base, Correlation: c.Correlation, Causation: c.Causation, Carried: c.Carried,
	}
	change := f.Work.Change(item)
	change.Blind = true
	return item, append(forget(name), change), nil
}

// unset makes the changes that remove a timer.
func unset(t *registry.Timer, owner store.Stream, key string) []store.Change {
	name := timerID(t, owner, key)
	return append(forget(name), store.Change{Op: store.Delete, Blind: true, Record: store.Record{Space: work.Space, Key: name}})
}

// Schedule sets a timer that is no entity's.
func (f *Flow) Schedule(ctx context.Context, c Cause, t *registry.Timer, key string, when time.Time, in []byte) error {
	item, changes, err := f.set(ctx, c, t, store.Stream{}, key, when.UTC().Truncate(time.Microsecond), in)
	if err != nil {
		return err
	}
	if err := f.commit(ctx, item.Partition, changes...); err != nil {
		return err
	}
	f.Work.Wake(item.Partition, item.Due)
	return nil
}

// Unschedule removes a timer that is no entity's.
func (f *Flow) Unschedule(ctx context.Context, t *registry.Timer, key string) error {
	return f.commit(ctx, f.timerHome(t.Name, store.Stream{}, key), unset(t, store.Stream{}, key)...)
}

// firedOf is the input of a timer's action.
func firedOf(t *registry.Timer, item work.Item) (any, error) {
	var a armed
	if err := json.Unmarshal(item.Input, &a); err != nil {
		return nil, err
	}
	in, err := t.Decode(a.In)
	return registry.Fired{Stream: item.Stream, Key: a.Key, Due: a.Due, In: in}, err
}

// timers sets the timers of commands.
type timers struct{ *Flow }

// Timers is what commands set timers with.
func (f *Flow) Timers() entity.Timers { return timers{f} }

// Set is for the entities' engine.
func (f timers) Set(call *entity.Call, t *registry.Timer, key string, when time.Time, in []byte) []store.Change {
	// Commands of a group have one key.
	_, changes, err := f.set(context.Background(), Cause{
		Base: id.DeriveName(call.Key, timerID(t, streamOf(call), key)), Correlation: call.Correlation, Causation: call.Key, Carried: call.Metadata,
	}, t, streamOf(call), key, when, in)
	if err != nil {
		panic(err) // which ends the command
	}
	return changes
}

// Clear is for the entities' engine.
func (f timers) Clear(call *entity.Call, t *registry.Timer, key string) []store.Change {
	return unset(t, streamOf(call), key)
}

// ClearAll is for the entities' engine.
func (f timers) ClearAll(s store.Stream) (changes []store.Change) {
	for key := range f.actions {
		all := registry.RunID("timer", key.name, s.Type, s.ID)
		if key.kind == work.Timer && len(all) < store.MaxKey {
			changes = append(changes, forget(all)...)
			changes = append(changes, store.Change{Op: store.DeleteUnder, Record: store.Record{Space: work.Space, Key: all + "/"}})
		}
	}
	return changes
}

// Wake is for the entities' engine.
func (f timers) Wake(p store.Partition, changes []store.Change) {
	for _, c := range changes {
		if c.Op == store.Put {
			f.Work.Wake(p, c.Due)
		}
	}
}

func streamOf(call *entity.Call) store.Stream {
	return store.Stream{Type: call.Command.Entity.Type, ID: call.ID}
}
