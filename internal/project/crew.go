package project

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/table"
)

// crew is what a process knows of all that keep up views in the same tables:
// who lives, which definitions each has, and which builds there are.
type crew struct {
	self  string
	poked chan struct{} // holds one if there is a reason to look at once

	looks   atomic.Int64
	mu      sync.Mutex
	last    int64           // look
	living  map[string]bool // nil: not known yet
	owners  []string        // by partition
	members map[string]member
	states  map[string]state // by the name of the build
	news    chan struct{}    // closed when it was looked again
}

// member is what a process tells of itself in the tables.
type member struct {
	// Prints are the fingerprints of its definitions, by view.
	Prints map[string]string `json:"prints"`
	// Orders count in which order the definitions of a view have come up. A
	// definition keeps its number as long as someone is known to have had it,
	// so that a restart does not make it a later one.
	Orders map[string]int64 `json:"orders"`
	// Seen is when that was written last.
	Seen time.Time `json:"seen"`
}

func newCrew(self string) *crew {
	return &crew{self: self, poked: make(chan struct{}, 1), news: make(chan struct{}), members: map[string]member{}, states: map[string]state{}}
}

// nodeTable holds the members, by name.
func nodeTable() *table.Schema {
	return &table.Schema{Name: "talix_nodes", Fingerprint: "1", Columns: []table.Column{
		{Name: "node", Kind: table.Text, Key: true}, {Name: "state", Kind: table.Text},
	}}
}

// poke has the others be looked at at once.
func (c *crew) poke() {
	select {
	case c.poked <- struct{}{}:
	default:
	}
}

// changed is closed when it was looked again.
func (c *crew) changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.news
}

// look reads what stands in the tables about members and builds.
func (c *Config) look(ctx context.Context) error {
	sight, number := c.Sight(), int64(0)
	members, states := map[string]member{}, map[string]state{}
	err := c.Tables.Update(ctx, func(tx table.Tx) error {
		number = c.crew.looks.Add(1) // one Update runs after another
		if err := readAll(tx, c.nodes, members); err != nil {
			return err
		}
		return readAll(tx, c.states, states)
	})
	if err != nil {
		return fmt.Errorf("look for the views of other nodes: %w", err)
	}
	c.crew.set(number, sight, members, states)
	return nil
}

// readAll reads a table of names and JSON.
func readAll[T any](tx table.Tx, s *table.Schema, into map[string]T) error {
	for row, err := range tx.Scan(s, nil) {
		if err != nil {
			return err
		}
		var one T
		if err := json.Unmarshal([]byte(row[1].Text()), &one); err != nil {
			return fmt.Errorf("read row %s of %s: %w", row[0].Text(), s.Name, err)
		}
		into[row[0].Text()] = one
	}
	return nil
}

func (c *crew) set(look int64, sight Sight, members map[string]member, states map[string]state) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if look < c.last {
		return
	}
	c.last = look
	c.living, c.owners, c.members, c.states = nil, sight.Owners, members, states
	if sight.Living != nil {
		c.living = map[string]bool{}
		for _, name := range sight.Living {
			c.living[name] = true
		}
	}
	close(c.news)
	c.news = make(chan struct{})
}

// state is that of a build; zero if there is none.
func (c *crew) state(build string) (s state, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, known = c.states[build]
	return s, known
}

// rankOf is the place of a definition among those of a view.
func rankOf(members map[string]member, view, print string) int64 {
	own, last := int64(0), int64(0)
	for _, m := range members {
		last = max(last, m.Orders[view])
		if m.Prints[view] == print {
			own = max(own, m.Orders[view])
		}
	}
	if own > 0 {
		return own
	}
	return last + 1
}

// isLast tells that nobody who lives has a definition that came up later. While
// it is not known who lives, all do.
func (c *crew) isLast(view, print string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	own := rankOf(c.members, view, print)
	for name, m := range c.members {
		other, has := m.Prints[view]
		if !has || other == print || c.living != nil && !c.living[name] {
			continue
		}
		if o := m.Orders[view]; o > own || o == own && other > print {
			return false
		}
	}
	return true
}

// hadBy tells that someone is known to have, or to have had, a definition.
func (c *crew) hadBy(view, print string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(slices.Collect(maps.Values(c.members)), func(m member) bool { return m.Prints[view] == print })
}

// readers are those who live and read the tables of a definition that has gone
// by here, or may do. known is false while it is not known who lives.
func (c *crew) readers(view, print, shown string) (names []string, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.living {
		m, told := c.members[name]
		other, has := m.Prints[view]
		if !told || has && other != print && (other == shown || shown == "") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, c.living != nil
}

// standsIn tells whether this process is to feed its builds of a view with a
// partition whose owner has another definition: one of those who have this one
// does.
func (c *crew) standsIn(view, print string, partition int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.living == nil || partition >= len(c.owners) {
		return false
	}
	owner := c.owners[partition]
	if owner == "" || owner == c.self || !c.living[owner] || c.members[owner].Prints[view] == print {
		return false
	}
	best, top := "", uint64(0)
	for name := range c.living {
		if c.members[name].Prints[view] != print {
			continue
		}
		if h := weight(name, partition); best == "" || h > top || h == top && name > best {
			best, top = name, h
		}
	}
	return best == c.self
}

// weight is that of rendezvous hashing.
func weight(name string, partition int) uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name + "/" + strconv.Itoa(partition))) // it can't fail
	return h.Sum64()
}

// lives tells whether a process may be at work.
func (c *crew) lives(name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return name == c.self || c.living == nil || c.living[name]
}
