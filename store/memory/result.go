package memory

import (
	"bytes"
	"container/heap"
	"time"

	"github.com/talix-dev/talix/store"
)

// result is what a batch stored under its key.
type result struct {
	key   store.ID
	value []byte
	time  time.Time
}

// results finds results by key and, for trimming, the oldest of them.
type results struct {
	byKey map[store.ID]*result
	byAge ages
}

func (r *results) add(b *store.Batch) {
	added := &result{key: b.Key, value: bytes.Clone(b.Result), time: b.Time}
	r.byKey[b.Key] = added
	heap.Push(&r.byAge, added)
}

func (r *results) trim(before time.Time, max int) int {
	n := 0
	for n < max && len(r.byAge) > 0 && r.byAge[0].time.Before(before) {
		delete(r.byKey, heap.Pop(&r.byAge).(*result).key)
		n++
	}
	return n
}

// ages is a heap with the oldest result on top.
type ages []*result

func (a ages) Len() int           { return len(a) }
func (a ages) Less(i, j int) bool { return a[i].time.Before(a[j].time) }
func (a ages) Swap(i, j int)      { a[i], a[j] = a[j], a[i] }
func (a *ages) Push(x any)        { *a = append(*a, x.(*result)) }
func (a *ages) Pop() any {
	old := *a
	last := old[len(old)-1]
	old[len(old)-1] = nil
	*a = old[:len(old)-1]
	return last
}
