package entity

import (
	"errors"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// ErrElsewhere is in the error of a call that was not run, and can be run by
// the process that owns the entity's partition.
var ErrElsewhere = errors.New("another node owns the partition")

func elsewhere(cause error) error {
	return registry.Faultf(registry.Unavailable, "the entity is moving to another node; try again").
		Because(errors.Join(ErrElsewhere, cause))
}

// owns tells whether the partition is this process's, and in which term.
func (g *Engine) owns(p store.Partition) (term int64, ok bool) {
	term = g.terms[p].Load()
	return term, g.cfg.Own == nil || g.cfg.Own(p)
}

// stillOwns tells whether it has been this process's all the time since.
func (g *Engine) stillOwns(p store.Partition, term int64) bool {
	now, ok := g.owns(p)
	return ok && now == term
}

// ownsAll is owns for the partitions of several calls.
func (g *Engine) ownsAll(calls []*Call) (terms []int64, ok bool) {
	for _, c := range calls {
		term, ok := g.owns(g.Home(c))
		if !ok {
			return nil, false
		}
		terms = append(terms, term)
	}
	return terms, true
}

func (g *Engine) stillOwnsAll(calls []*Call, terms []int64) bool {
	for i, c := range calls {
		if !g.stillOwns(g.Home(c), terms[i]) {
			return false
		}
	}
	return true
}

// Forget begins another term of a partition, of which nothing that is in memory
// can be relied on, and lets go of it. Call it when the partition is lost, and
// before it is owned again.
func (g *Engine) Forget(p store.Partition) {
	g.terms[p].Add(1)
	for i := range g.shards {
		g.shards[i].letGo(p)
	}
}

// letGo forgets what no one uses of a partition.
func (s *shard) letGo(p store.Partition) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.live {
		if l.partition == p && l.refs == 0 && !l.underWay() {
			l.unlink()
			s.forget(l)
		}
	}
}
