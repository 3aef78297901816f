package postgres

import (
	"sync"

	"github.com/talix-dev/talix/store"
)

// memory is what a store remembers of one partition, to save looking it up:
// the numbers of streams, which never change, and the versions of streams,
// which are true as long as the partition's head is where it was.
type memory struct {
	limit int

	mu         sync.Mutex
	known      bool // position is known, and so are the versions of this era
	position   store.Position
	era        int64 // grows when versions are in doubt
	young, old map[store.Stream]memo
	generation int64 // grows with forget
}

// memo is what is remembered of a stream.
type memo struct {
	number  int64
	version store.Version
	era     int64
}

// unknown is the version of a stream of which only the number is known.
const unknown = -1

func newMemory(limit int) *memory {
	return &memory{limit: max(limit/2, 1), era: 1, young: map[store.Stream]memo{}}
}

// recall tells what is known of a stream; with mu held.
func (m *memory) recall(s store.Stream) (number int64, version store.Version) {
	h, ok := m.find(s)
	if !ok {
		return 0, unknown
	}
	if !m.known || h.era != m.era {
		return h.number, unknown
	}
	return h.number, h.version
}

func (m *memory) find(s store.Stream) (memo, bool) {
	if h, ok := m.young[s]; ok {
		return h, true
	}
	h, ok := m.old[s]
	if ok {
		m.put(s, h)
	}
	return h, ok
}

// put keeps two generations and forgets the older one when the young is full.
func (m *memory) put(s store.Stream, h memo) {
	if len(m.young) >= m.limit {
		m.old, m.young = m.young, make(map[store.Stream]memo, m.limit)
	}
	m.young[s] = h
}

// number is that of a stream, or zero, with the generation that it is of.
func (m *memory) number(s store.Stream) (number, generation int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	h, _ := m.find(s)
	return h.number, m.generation
}

// learn takes in a stream's number, unless all was forgotten meanwhile.
func (m *memory) learn(s store.Stream, number, generation int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, there := m.find(s); !there && m.generation == generation {
		m.put(s, memo{number, unknown, 0})
	}
}

// forget drops everything.
func (m *memory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = false
	m.young, m.old = map[store.Stream]memo{}, nil
	m.generation++
}

// note takes in what a plan has written on top of the position base.
func (m *memory) note(p *plan, base store.Position) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known || m.position != base {
		m.era++
	}
	m.known, m.position = true, base+store.Position(len(p.events))
	for _, l := range p.lines {
		if l.number != 0 {
			m.put(l.stream, memo{l.number, l.version, m.era})
		}
	}
}
