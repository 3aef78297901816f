// Package mutation has the faults of programs that a torture must find: a proof
// that cannot fail proves nothing.
package mutation

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Mutation is one line of the module turned.
type Mutation struct {
	Name string
	// Turns says what does not hold any more.
	Turns string
	// Faults are those under which it does harm.
	Faults []string

	file, from, to string
}

// All are the mutations.
func All() []Mutation {
	return []Mutation{
		{
			Name: "lease", Turns: "a node ends its term by its own clock", Faults: []string{"cutdb", "holddb"},
			file: "internal/cluster/cluster.go",
			from: "n.term.lease, n.term.endless = cfg.Lease, cfg.NoLease",
			to:   "n.term.lease, n.term.endless = cfg.Lease, true",
		},
		{
			Name: "dedup", Turns: "the result of a command is stored under its id", Faults: []string{"kill", "reset"},
			file: "internal/entity/turn.go",
			from: "b.Result = encodeResult(t.call, t.kept)",
			to:   "b.Key, b.Fresh = store.ID{}, false",
		},
		{
			Name: "gap", Turns: "the tail leaves to the log what it does not hold", Faults: []string{"reset"},
			file: "internal/tail/tail.go",
			from: "if head > r.head {\n\t\tr.clear()",
			to:   "if head > r.head {",
		},
		{
			Name: "doubt", Turns: "a commit without an answer is of unknown outcome", Faults: []string{"cutdb", "pgrestart"},
			file: "store/postgres/commit.go",
			from: "status := store.Unknown\n",
			to:   "status := store.Durable\n",
		},
	}
}

// Named is the mutation of a name.
func Named(name string) (Mutation, error) {
	all := All()
	i := slices.IndexFunc(all, func(m Mutation) bool { return m.Name == name })
	if i < 0 {
		return Mutation{}, fmt.Errorf("there is no mutation %q; there are: %s", name, strings.Join(Names(), ", "))
	}
	return all[i], nil
}

// Names are those of all mutations.
func Names() (names []string) {
	for _, m := range All() {
		names = append(names, m.Name)
	}
	return names
}

// Overlay is the file of the module in root that is another, by its name.
func (m Mutation) Overlay(root string) (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		return nil, fmt.Errorf("mutate %s: %w", m.Name, err)
	}
	if n := strings.Count(string(text), m.from); n != 1 {
		return nil, fmt.Errorf("mutate %s: %q stands %d times in %s, not once: turn another line", m.Name, m.from, n, m.file)
	}
	return map[string]string{m.file: strings.Replace(string(text), m.from, m.to, 1)}, nil
}
