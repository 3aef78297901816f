package project

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/talix-dev/talix/table"
)

// state is what is remembered of a build, beside its marks.
type state struct {
	// ID is of this build alone, and Print the fingerprint of the definition
	// that it is of. Where one process works alone, there are none.
	ID    string `json:"id,omitempty"`
	Print string `json:"print,omitempty"`
	// Closed is the id of the build that is to take the place of this one, which
	// is not fed any more therefore; Ended is the same once its marks are final.
	Closed string `json:"closed,omitempty"`
	Ended  string `json:"ended,omitempty"`
	// Held is the name of the process for which the build rests, so that it may
	// be compared; By that of the process which makes tables to compare with.
	Held string `json:"held,omitempty"`
	By   string `json:"by,omitempty"`
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

// rests tells that the build is not fed for the time being.
func (s *state) rests() bool { return s.Closed != "" || s.Held != "" }

// stateTable holds the states, by the name of the build.
func stateTable() *table.Schema {
	return &table.Schema{Name: "talix_views", Fingerprint: "1", Columns: []table.Column{
		{Name: "view", Kind: table.Text, Key: true}, {Name: "state", Kind: table.Text},
	}}
}

func stateKey(build string) []table.Value { return []table.Value{table.TextValue(build)} }

// loadState reads the state of a build; zero if there is none.
func (b *build) loadState(ctx context.Context) error {
	return b.view.cfg.Tables.Update(ctx, func(tx table.Tx) (err error) {
		b.state, err = b.view.stateIn(tx, b.name)
		return err
	})
}

// stateIn reads the state of a build in a transaction; zero if there is none.
func (v *view) stateIn(tx table.Tx, name string) (s state, err error) {
	row, err := tx.Get(v.cfg.states, stateKey(name))
	if err != nil || row == nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(row[1].Text()), &s); err != nil {
		return s, fmt.Errorf("read state of view %s: %w", name, err)
	}
	return s, nil
}

// put writes a state.
func (s state) put(tx table.Tx, states *table.Schema, name string) error {
	text, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return tx.Put(states, []table.Value{table.TextValue(name), table.TextValue(string(text))})
}

// putState writes the state, for a build of the given name.
func (b *build) putState(tx table.Tx, name string) error {
	return b.state.put(tx, b.view.cfg.states, name)
}

// note changes the state.
func (b *build) note(ctx context.Context, change func(*state)) error {
	b.set(change)
	if b.view.cfg.Shared {
		return b.view.change(ctx, b, func(s *state) error {
			change(s)
			return nil
		})
	}
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
