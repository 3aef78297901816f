package project

import (
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
)

// build is one set of a view's tables, with the runners that fill it. A view
// has the one that queries read, and perhaps another that is to take its place.
type build struct {
	view      *view
	name      string          // of its marks
	rows      []*table.Schema // by sheet
	histories []*table.Schema // by sheet; nil where none is kept
	parts     []*runner
	id        string // of its state, as far as that is known
	state     state
	live      bool // queries read it
	full      bool // see whole
}

// What stands before the names of tables that no query reads.
const (
	prefixNext  = "talix_next_"
	prefixCheck = "talix_check_"
)

// build makes a build of the tables under names with a prefix.
func (v *view) build(prefix string) *build {
	b := &build{view: v, name: prefix + v.def.Name, live: prefix == ""}
	for _, s := range v.sheets {
		b.rows = append(b.rows, b.schema(prefix+s.def.Name, s.plan.Columns(), s.plan.Indexes()))
		if s.history == nil {
			b.histories = append(b.histories, nil)
			continue
		}
		b.histories = append(b.histories, b.schema(prefix+registry.HistoryName(s.def.Name), s.history, nil))
	}
	for p := range v.shown {
		b.parts = append(b.parts, newRunner(b, store.Partition(p)))
	}
	return b
}

func (b *build) schema(name string, columns []table.Column, indexes []table.Index) *table.Schema {
	return &table.Schema{Name: name, View: b.name, Columns: columns, Indexes: indexes, Fingerprint: b.view.fingerprint}
}

// schemas are those of all its tables.
func (b *build) schemas() []table.Schema {
	var all []table.Schema
	for i := range b.rows {
		all = append(all, *b.rows[i])
		if h := b.histories[i]; h != nil {
			all = append(all, *h)
		}
	}
	return all
}

func (b *build) tables() (names []string) {
	for _, s := range b.schemas() {
		names = append(names, s.Name)
	}
	return names
}

// presence tells whether the tables are there: of this definition, or of any.
func (b *build) presence(made map[string]string) (same, some bool) {
	same = true
	for _, s := range b.schemas() {
		print, ok := made[s.Name]
		some = some || ok
		same = same && ok && print == s.Fingerprint
	}
	return same, some
}

// whole tells whether a build may be taken for the fold of the log: it has once
// been up to date.
func (b *build) whole() bool {
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	return b.full
}

func (b *build) setWhole() {
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	b.full = true
	b.view.tell()
}
