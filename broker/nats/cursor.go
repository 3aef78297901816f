package nats

import "slices"

// cursor is which messages of a topic are settled, by their sequence in the
// stream. Its zero value has none.
type cursor struct {
	// Floor: up to this sequence, all are.
	Floor uint64 `json:"floor"`
	// Done are those above, in order, with gaps between.
	Done []span `json:"done,omitempty"`
}

// span is sequences from the first to the last, both included.
type span [2]uint64

func (c *cursor) has(seq uint64) bool {
	i, in := c.find(seq)
	return seq <= c.Floor || in && c.Done[i][0] <= seq
}

// find is the first span that ends at or above seq.
func (c *cursor) find(seq uint64) (int, bool) {
	i, _ := slices.BinarySearchFunc(c.Done, seq, func(s span, seq uint64) int {
		if s[1] < seq {
			return -1
		}
		return 1
	})
	return i, i < len(c.Done)
}

// add settles sequences from the first to the last, whether they were before
// or not.
func (c *cursor) add(first, last uint64) {
	first = max(first, c.Floor+1)
	if last < first {
		return
	}
	from, _ := c.find(first - 1) // a span that ends right before it belongs to it
	to := from
	for ; to < len(c.Done) && c.Done[to][0] <= last+1; to++ {
		first, last = min(first, c.Done[to][0]), max(last, c.Done[to][1])
	}
	c.Done = slices.Replace(c.Done, from, to, span{first, last})
	if c.Done[0][0] == c.Floor+1 {
		c.Floor = c.Done[0][1]
		c.Done = slices.Delete(c.Done, 0, 1)
	}
}

func (c *cursor) clone() cursor { return cursor{c.Floor, slices.Clone(c.Done)} }
