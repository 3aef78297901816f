package project

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// view is one table and what fills it.
type view struct {
	cfg    *Config
	newRow func() any
	plan   *rowmap.Plan
	schema *table.Schema
	takes  map[string]*take // by event type
	keep   int              // rows that each runner keeps between batches
	parts  []runner         // by partition
}

// take is how one type of event changes rows.
type take struct {
	entity string
	shared bool // other views take it too
	decode func([]byte) (any, error)
	apply  []func(row, event any, e *store.Event)
}

func (t *take) read(s *shared, e *store.Event) (any, error) {
	if t.shared {
		return s.decode(t, e)
	}
	return decode(t, e)
}

// format is part of every fingerprint: it is raised when the way in which rows
// are written changes.
const format = "talix rows 1"

func fold(name string) string { return strings.ToLower(name) }

func newView(cfg *Config, t *registry.Table) (*view, []error) {
	v := &view{cfg: cfg, newRow: t.NewRow, takes: map[string]*take{}}
	plan, faults := rowmap.Compile(t.Row)
	if err := checkName(t.Name); err != nil {
		faults = append(faults, err)
	}
	v.schema = &table.Schema{Name: t.Name}
	if plan == nil {
		return v, faults
	}
	if err := plan.KeyFault(); err != nil && len(faults) == 0 {
		faults = append(faults, err)
	}
	v.plan, v.schema.Columns = plan, plan.Columns()
	for _, w := range t.Whens {
		v.when(cfg.Registry, w)
	}
	v.schema.Fingerprint = v.fingerprint(t.Version)
	v.setKeep()
	v.parts = make([]runner, cfg.Tail.Partitions())
	for i := range v.parts {
		v.parts[i].init(v, store.Partition(i))
	}
	return v, faults
}

func checkName(name string) error {
	switch {
	case strings.HasPrefix(fold(name), "_talix"), strings.HasPrefix(fold(name), "sqlite"), strings.HasPrefix(fold(name), "talix_"):
		return errors.New("names that begin with talix_, _talix or sqlite are taken: rename it")
	case !rowmap.ValidName(name):
		return fmt.Errorf("%s: rename it", rowmap.NameRule)
	}
	return nil
}

// when notes a projection. Those of unknown events are a fault that the
// registry has noted.
func (v *view) when(r *registry.Registry, w registry.When) {
	entity, ev := r.Event(w.Go)
	if ev == nil {
		return
	}
	t := v.takes[ev.Type]
	if t == nil {
		t = &take{entity: entity.Type, decode: ev.Decode}
		v.takes[ev.Type] = t
	}
	t.apply = append(t.apply, w.Apply)
}

func (v *view) fingerprint(version int) string {
	var events []string
	for typ, t := range v.takes {
		events = append(events, fmt.Sprintf("%s %s %d", t.entity, typ, len(t.apply)))
	}
	slices.Sort(events)
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\nversion %d\n%s%s", format, version, v.plan.Shape(), strings.Join(events, "\n")))
	return hex.EncodeToString(sum[:16])
}

// setKeep allows rows to stay in memory only where one runner alone writes
// each of them: entities of several types may share a row across partitions.
func (v *view) setKeep() {
	entities := map[string]bool{}
	for _, t := range v.takes {
		entities[t.entity] = true
	}
	if n := v.cfg.Tail.Partitions(); n == 1 || len(entities) <= 1 {
		v.keep = max(0, v.cfg.Cache/n)
	}
}

// run keeps the view up with all partitions.
func (v *view) run(ctx context.Context) {
	if !v.start(ctx) {
		return
	}
	var wg sync.WaitGroup
	for i := range v.parts {
		wg.Go(func() { v.parts[i].run(ctx) })
	}
	wg.Wait()
}

// start finds where the view stands. A mark beyond the end of the log tells
// that events which the view took are gone, so it is made anew.
func (v *view) start(ctx context.Context) bool {
	return v.parts[0].untilDone(ctx, func() error {
		marks := make([]store.Position, len(v.parts))
		for i := range v.parts {
			var err error
			if marks[i], err = v.parts[i].stored(ctx); err != nil {
				return err
			}
		}
		for i, mark := range marks {
			if mark > v.cfg.Tail.Head(store.Partition(i)) {
				return v.rebuild(ctx, i, mark)
			}
		}
		for i, mark := range marks {
			v.parts[i].moveTo(mark)
		}
		return nil
	})
}

// rebuild empties the table; its runners begin at zero, where they are.
func (v *view) rebuild(ctx context.Context, partition int, mark store.Position) error {
	v.cfg.Log.WarnContext(ctx, "view is ahead of the log, which must have lost events: making the view anew",
		"view", v.schema.Name, "partition", partition, "mark", mark, "head", v.cfg.Tail.Head(store.Partition(partition)))
	if err := v.cfg.Tables.Reset(ctx, *v.schema); err != nil {
		return fmt.Errorf("empty table %s: %w", v.schema.Name, err)
	}
	return nil
}
