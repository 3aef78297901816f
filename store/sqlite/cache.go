package sqlite

// cache is a map that forgets what was not used lately: it keeps two
// generations and moves what is used to the young one; trim drops the old one
// when the young one is full. The caller guards it.
type cache[K comparable, V any] struct {
	young, old map[K]V
	half       int // entries of a full generation
}

func newCache[K comparable, V any](entries int) *cache[K, V] {
	return &cache[K, V]{young: make(map[K]V), half: max(entries/2, 1)}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	if v, ok := c.young[k]; ok {
		return v, true
	}
	v, ok := c.old[k]
	if ok {
		c.young[k] = v
	}
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) { c.young[k] = v }

// trim is when entries are forgotten, and only then.
func (c *cache[K, V]) trim() {
	if len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[K]V, c.half)
	}
}

func (c *cache[K, V]) clear() {
	clear(c.young)
	c.old = nil
}
