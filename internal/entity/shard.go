package entity

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

const shardCount = 64

// shard holds a part of the live entities, and a list of those that no one
// uses, the longest unused first.
type shard struct {
	mu       sync.Mutex
	live     map[store.Stream]*live
	unused   live // the list's root
	bytes    int
	maxLive  int
	maxBytes int
}

func (s *shard) init(maxLive, maxBytes int) {
	s.live = map[store.Stream]*live{}
	s.maxLive, s.maxBytes = maxLive, maxBytes
	s.unused.prev, s.unused.next = &s.unused, &s.unused
}

func (g *Engine) shard(s store.Stream) *shard {
	return &g.shards[maphash.Comparable(g.seed, s)%shardCount]
}

// baseSize is about what an instance takes beside its state and its names.
const baseSize = 400

// acquire finds or makes the instance of an entity, and keeps it in memory
// until release.
func (g *Engine) acquire(def *registry.Entity, s store.Stream, p store.Partition) *live {
	sh := g.shard(s)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l := sh.live[s]
	if l == nil {
		l = &live{def: def, plan: g.cfg.Snapshots.Plan(def), stream: s, partition: p, shard: sh, size: baseSize + len(s.ID), term: &g.terms[p]}
		sh.live[s] = l
		sh.bytes += l.size
	}
	if l.refs == 0 {
		l.unlink()
	}
	l.refs++
	return l
}

// release ends a use. Without others the instance may be passivated, if not
// now then later.
func (g *Engine) release(l *live) {
	sh := l.shard
	now := g.cfg.Now()
	sh.mu.Lock()
	defer sh.mu.Unlock()
	l.refs--
	if l.refs > 0 {
		return
	}
	l.used = now
	if l.nothing() {
		sh.forget(l)
		return
	}
	l.linkBefore(&sh.unused)
	for len(sh.live) > sh.maxLive || sh.bytes > sh.maxBytes {
		if !sh.passivateOldest() {
			return
		}
	}
}

// resize accounts for a state that was loaded or has grown.
func (g *Engine) resize(l *live) {
	size := baseSize + len(l.stream.ID) + l.def.Size(l.state)
	l.grown = 0
	sh := l.shard
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.bytes += size - l.size
	l.size = size
}

// sweep passivates what was not used for long.
func (g *Engine) sweep() {
	ticker := time.NewTicker(max(g.cfg.Idle/4, time.Millisecond))
	defer ticker.Stop()
	for {
		select {
		case <-g.closed:
			return
		case <-ticker.C:
		}
		for i := range g.shards {
			g.shards[i].sweep(g.cfg.Now().Add(-g.cfg.Idle))
		}
	}
}

func (s *shard) sweep(before time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for l := s.unused.next; l != &s.unused && !l.used.After(before); l = s.unused.next {
		if !s.passivateOldest() {
			return
		}
	}
}

func (s *shard) passivateOldest() bool {
	l := s.unused.next
	if l == &s.unused {
		return false
	}
	l.unlink()
	if l.underWay() {
		l.linkBefore(&s.unused)
		return false
	}
	s.forget(l)
	return true
}

func (s *shard) forget(l *live) {
	delete(s.live, l.stream)
	s.bytes -= l.size
}

// Stats is what an Engine holds in memory.
type Stats struct{ Live, Bytes int }

// Stats counts the live entities.
func (g *Engine) Stats() Stats {
	var st Stats
	for i := range g.shards {
		s := &g.shards[i]
		s.mu.Lock()
		st.Live += len(s.live)
		st.Bytes += s.bytes
		s.mu.Unlock()
	}
	return st
}

// nothing tells that the instance knows nothing worth keeping.
func (l *live) nothing() bool {
	return !l.underWay() && l.version == 0 && l.poison == nil
}

// underWay tells that an append is not settled yet, though no one waits for it
// any more.
func (l *live) underWay() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last != nil && l.last.Settled() {
		if l.chain.Broken() {
			l.state = nil
		}
		l.last = nil // it holds on to the events
	}
	return l.last != nil
}

func (l *live) unlink() {
	if l.next == nil {
		return
	}
	l.prev.next, l.next.prev = l.next, l.prev
	l.prev, l.next = nil, nil
}

func (l *live) linkBefore(o *live) {
	l.prev, l.next = o.prev, o
	l.prev.next, o.prev = l, l
}
