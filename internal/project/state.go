package project

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/talix-dev/talix/table"
)

// state is what is remembered of a build, beside its marks.
type state struct {
	// Built: it has once been up to date, so that queries may take it for whole.
	Built bool `json:"built,omitempty"`
	// Asked: it is made because someone asked for it, and not for a change of
	// the definition.
	Asked bool `json:"asked,omitempty"`
	// Starts are the positions, by partition, after which a view from now began.
	Starts []int64 `json:"starts,omitempty"`
	// Erasure is the number of the last erasure of personal data before the
	// build took its first event.
	Erasure int64 `json:"erasure,omitempty"`
}

// stateTable holds the states, by the name of the build.
func stateTable() *table.Schema {
	return &table.Schema{Name: "talix_views", Fingerprint: "1", Columns: []table.Column{
		{Name: "view", Kind: table.Text, Key: true}, {Name: "state", Kind: table.Text},
	}}
}

func stateKey(build string) []table.Value { return []table.Value{table.TextValue(build)} }

// loadState reads the state of a build; zero if there is none.
func (b *build) loadState(ctx context.Context) error {
	return b.view.cfg.Tables.Update(ctx, func(tx table.Tx) error {
		row, err := tx.Get(b.view.cfg.states, stateKey(b.name))
		if err != nil || row == nil {
			b.state = state{}
			return err
		}
		if err := json.Unmarshal([]byte(row[1].Text()), &b.state); err != nil {
			return fmt.Errorf("read state of view %s: %w", b.name, err)
		}
		return nil
	})
}

// putState writes the state, for a build of the given name.
func (b *build) putState(tx table.Tx, name string) error {
	text, err := json.Marshal(b.state)
	if err != nil {
		return err
	}
	return tx.Put(b.view.cfg.states, []table.Value{table.TextValue(name), table.TextValue(string(text))})
}

// note changes the state.
func (b *build) note(ctx context.Context, change func(*state)) error {
	b.set(change)
	return b.view.cfg.Tables.Update(ctx, func(tx table.Tx) error { return b.putState(tx, b.name) })
}

// set changes the state in memory, where others may be reading it.
func (b *build) set(change func(*state)) {
	b.view.mu.Lock()
	defer b.view.mu.Unlock()
	change(&b.state)
}

// forget removes what stands beside a build's tables: its state and what it
// parked.
func (b *build) forget(tx table.Tx) error {
	if err := tx.Delete(b.view.cfg.states, stateKey(b.name)); err != nil {
		return err
	}
	all, err := parkedOf(tx, b.view.cfg.parked, b.name)
	for _, p := range all {
		if err == nil {
			err = tx.Delete(b.view.cfg.parked, p.key(b.name))
		}
	}
	return err
}
