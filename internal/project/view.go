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
	"sync/atomic"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/rowmap"
	"github.com/talix-dev/talix/table"
)

// view is the definition of some tables and of what fills them, with what is
// known of it at run time.
type view struct {
	cfg         *Config
	def         *registry.View
	sheets      []*sheet
	events      map[*registry.Event]*take // what it takes
	takes       map[string]*take          // by the name under which events are stored
	entities    map[string]*take          // by entity type: of events with other names
	ends        map[string]*take          // by entity type: of last events that are not taken otherwise
	fingerprint string
	alone       bool // no two partitions change the same row
	narrow      bool // its projections read no rows but their own, and none can be refused
	strict      bool // a unique index may refuse a row
	keep        int  // rows that a runner keeps between batches
	shared      []*shared
	shown       []progress // by partition: what queries see
	requests    chan *request
	stands      []hold               // by partition: held in the place of an owner with another definition
	lent        []context.CancelFunc // ends that; of the goroutine that watches
	checking    atomic.Bool          // the build rests for this process
	tried       bool                 // what is parked, since the program began

	verifying sync.Mutex // one Verify after another: they use the same tables

	mu     sync.Mutex
	stood  *standing     // nil until it was known once
	turned chan struct{} // closed when stood, or what it tells, is another
	doubt  bool          // it has to be found out
}

// sheet is the definition of one table.
type sheet struct {
	def     *registry.Table
	plan    *rowmap.Plan
	history []table.Column // nil: no history is kept
}

// take is what one type of event does.
type take struct {
	entity *registry.Entity
	event  *registry.Event // nil: known once it is read
	shared bool            // other views take it too
	bare   bool            // the event need not be read
	ops    []op
}

// op is one projection of an event. Of apply, remove and project, one is set.
type op struct {
	registry.Take
	keyer *rowmap.Keyer // of Keys
}

// byID tells that it is about the row of the entity's id.
func (o op) byID() bool { return o.Keys == nil && o.Project == nil }

// format is part of every fingerprint: it is raised when the way in which rows
// are written changes.
const format = "talix rows 2"

func newView(cfg *Config, def *registry.View) (*view, []error) {
	v := &view{cfg: cfg, def: def, doubt: true, turned: make(chan struct{}), events: map[*registry.Event]*take{}, requests: make(chan *request), shown: make([]progress, cfg.Tail.Partitions())}
	if cfg.Shared {
		v.stands, v.lent = newHolds(len(v.shown)), make([]context.CancelFunc, len(v.shown))
	}
	var faults []error
	for _, t := range def.Tables {
		s, errs := newSheet(t)
		for _, err := range errs {
			faults = append(faults, fmt.Errorf("%s: table %q: %w", t.Place, t.Name, err))
		}
		v.sheets = append(v.sheets, s)
	}
	if err := checkName(def.Name); err != nil && len(def.Tables) > 1 {
		faults = append(faults, fmt.Errorf("%s: view %q: %w", def.Place, def.Name, err))
	}
	if len(faults) > 0 {
		return v, faults
	}
	for _, t := range def.Takes {
		if err := v.take(t); err != nil {
			faults = append(faults, fmt.Errorf("%s: view %q: %w", def.Place, def.Name, err))
		}
	}
	v.sort()
	v.fingerprint = v.print()
	v.weigh()
	return v, append(faults, v.checkHistory()...)
}

func newSheet(t *registry.Table) (*sheet, []error) {
	plan, faults := rowmap.Compile(t.Row)
	if err := checkName(t.Name); err != nil {
		faults = append(faults, err)
	}
	if plan != nil && len(faults) == 0 {
		if err := plan.KeyFault(); err != nil {
			faults = append(faults, err)
		}
	}
	s := &sheet{def: t, plan: plan}
	if t.History && len(faults) == 0 {
		columns, err := historyColumns(plan)
		s.history = columns
		if err != nil {
			faults = append(faults, err)
		}
	}
	return s, faults
}

// longest is what is left of a name that PostgreSQL takes.
const longest = 40

func checkName(name string) error {
	low := fold(name)
	switch {
	case strings.HasPrefix(low, "talix_"), strings.HasPrefix(low, "sqlite"), strings.Contains(low, "_talix"):
		return errors.New("names that begin with talix_ or sqlite, or have _talix in them, are taken: rename it")
	case !rowmap.ValidName(name):
		return fmt.Errorf("%s: rename it", rowmap.NameRule)
	case len(name) > longest:
		return fmt.Errorf("its name is longer than %d letters: rename it", longest)
	}
	return nil
}

func fold(name string) string { return strings.ToLower(name) }

// take notes a projection. Those of unknown events are a fault that the
// registry has noted.
func (v *view) take(def registry.Take) error {
	entity, ev := v.cfg.Registry.Event(def.Go)
	if ev == nil {
		return nil
	}
	t := v.events[ev]
	if t == nil {
		t = &take{entity: entity, event: ev}
		v.events[ev] = t
	}
	o := op{Take: def}
	t.ops = append(t.ops, o)
	if def.Project != nil {
		return nil
	}
	if len(v.sheets) != 1 {
		return fmt.Errorf("its projection of %s is about rows of one table, but it fills %d: use Project", ev.Type, len(v.sheets))
	}
	plan := v.sheets[0].plan
	if def.Keys == nil {
		return plan.IDFault()
	}
	keyer, err := plan.Keyer(def.Key)
	if err != nil {
		return fmt.Errorf("the rows that By or ByEach name for %s: %w", ev.Type, err)
	}
	t.ops[len(t.ops)-1].keyer = keyer
	return nil
}

// print changes with all that decides what rows hold, as far as it is known.
func (v *view) print() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\nversion %d now=%t\n", format, v.def.Version, v.def.FromNow)
	for _, s := range v.sheets {
		fmt.Fprintf(&b, "table %s history=%t\n%s", s.def.Name, s.history != nil, s.plan.Shape())
		if s.def.KeepDeleted {
			b.WriteString("\nkeeps rows of what is deleted\n")
		}
	}
	var events []string
	for ev, t := range v.events {
		line := t.entity.Type + " " + ev.Type
		for _, o := range t.ops {
			line += fmt.Sprintf(" %t%t%t%t", o.Keys != nil, o.Apply != nil, o.Remove != nil, o.Project != nil)
		}
		events = append(events, line)
	}
	slices.Sort(events)
	b.WriteString(strings.Join(append(events, v.pasts()...), "\n"))
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:16])
}

// weigh finds out what may stay in memory. Rows that are found by the id of
// entities of one type belong to one partition.
func (v *view) weigh() {
	entities := map[string]bool{}
	v.alone, v.narrow = true, true
	for _, t := range v.events {
		entities[t.entity.Type] = true
		for _, o := range t.ops {
			v.alone = v.alone && o.Keys == nil && o.Project == nil
			v.narrow = v.narrow && o.Project == nil
		}
	}
	for _, s := range v.sheets {
		v.strict = v.strict || slices.ContainsFunc(s.plan.Indexes(), func(x table.Index) bool { return x.Unique })
	}
	v.narrow = v.narrow && !v.strict
	n := v.cfg.Tail.Partitions()
	v.alone = n == 1 || v.alone && len(entities) <= 1
	if v.alone {
		v.keep = max(0, v.cfg.Cache/n)
	}
}

// logical are the names by which queries know the view's tables.
func (v *view) logical() (names []string) {
	for _, s := range v.sheets {
		names = append(names, s.def.Name)
		if s.history != nil {
			names = append(names, registry.HistoryName(s.def.Name))
		}
	}
	return names
}
