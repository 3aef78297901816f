package runtime

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Log reads the events as they are stored, for consoles and other tools. Errors
// are of type *talix.Error.
type Log struct {
	r *Runtime
}

// Log reads the events as they are stored.
func (r *Runtime) Log() Log { return Log{r} }

// Logged is an event as it is stored.
type Logged struct {
	talix.Meta
	Partition int
	Position  int64
	Schema    int
	// Ends tells that the entity was deleted by this event.
	Ends    bool
	Payload json.RawMessage
}

// Moment is an event with the state that it led to.
type Moment struct {
	Logged
	// State is the entity's state after the event as JSON, or nil with a Fault.
	State json.RawMessage
	// Fault is why the event cannot be folded.
	Fault string
}

// Head is the position of the last event of each partition.
func (l Log) Head() []int64 {
	all := make([]int64, l.r.tail.Partitions())
	for p := range all {
		all[p] = int64(l.r.tail.Head(store.Partition(p)))
	}
	return all
}

// Newest are events among the last depth positions of each partition, the
// newest first, up to max of those that want accepts.
func (l Log) Newest(ctx context.Context, depth int64, max int, want func(*Logged) bool) ([]Logged, error) {
	var all []Logged
	for p := range l.r.tail.Partitions() {
		some, err := l.newestOf(ctx, store.Partition(p), depth, max, want)
		if err != nil {
			return nil, l.fault(err)
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b Logged) int { return b.Time.Compare(a.Time) })
	return all[:min(max, len(all))], nil
}

// pageOfLog is how many events are read at a time.
const pageOfLog = 512

// newestOf reads backwards, a page at a time.
func (l Log) newestOf(ctx context.Context, p store.Partition, depth int64, most int, want func(*Logged) bool) (all []Logged, err error) {
	head := l.r.tail.Head(p)
	for end := head; end > 0 && len(all) < most && int64(head-end) < depth; end -= pageOfLog {
		after := max(end-pageOfLog, head-store.Position(depth), 0)
		events, err := l.r.cfg.Store.Log(ctx, p, after, pageOfLog)
		if err != nil {
			return nil, fmt.Errorf("read log: %w", err)
		}
		for i := range slices.Backward(events) {
			e := loggedOf(&events[i])
			if events[i].Position <= end && want(&e) && len(all) < most {
				all = append(all, e)
			}
		}
	}
	return all, nil
}

func loggedOf(e *store.Event) Logged {
	return Logged{
		Meta: talix.Meta{
			EventID: e.ID, EventType: e.Type, EntityType: e.Stream.Type, EntityID: e.Stream.ID, Version: int64(e.Version), Time: e.Time,
			CommandID: e.Command, CorrelationID: e.Correlation, CausationID: e.Causation,
		},
		Partition: int(e.Partition), Position: int64(e.Position), Schema: e.Schema, Ends: registry.Ends(e), Payload: e.Data,
	}
}

func (l Log) fault(err error) error {
	return talix.UserError(registry.Faultf(registry.Unavailable, "the log cannot be read at the moment; try again later").Because(err))
}
