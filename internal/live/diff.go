package live

import (
	"fmt"
	"slices"
	"sort"

	"github.com/talix-dev/talix/internal/registry"
)

// compare finds what leads from the present rows to those found: what goes,
// then, from the first place to the last, what comes or changes. Whoever applies
// the changes in order has the rows found, in their order. Where all rows at
// once are less than that, they are the one change.
func (f *feed) compare(found []Row) ([]*entry, []numbered, error) {
	before := make(map[string]int, len(f.rows))
	for i, e := range f.rows {
		before[e.Key] = i
	}
	rows, was, err := f.match(found, before)
	if err != nil {
		return nil, nil, err
	}
	stays := longestRise(was)
	kept := make([]bool, len(f.rows))
	var comes []numbered
	for i, e := range rows {
		switch {
		case !stays[i]:
			comes = append(comes, change(registry.Insert, i, e))
		case f.rows[was[i]] != e:
			comes = append(comes, change(registry.Update, i, e))
			fallthrough
		default:
			kept[was[i]] = true
		}
	}
	var changes []numbered
	for i, e := range f.rows {
		if !kept[i] {
			changes = append(changes, change(registry.Delete, 0, e))
		}
	}
	changes = append(changes, comes...)
	if len(changes) > len(rows)+1 && len(changes) > f.hub.cfg.Keep/2 {
		changes = []numbered{all(rows)}
	}
	return rows, changes, nil
}

// match makes entries of the rows found, those that are as before taken over,
// and tells the place that each had before, or -1.
func (f *feed) match(found []Row, before map[string]int) (rows []*entry, was []int, err error) {
	seen := make(map[string]bool, len(found))
	for i := range found {
		row := &found[i]
		if seen[row.Key] {
			return nil, nil, registry.Faultf(registry.Internal, "the live query cannot be shown").
				Because(fmt.Errorf("two rows of the live query %s have the key %q: name columns in talix.Live that tell them apart", f.id, row.Key))
		}
		seen[row.Key] = true
		at, there := before[row.Key]
		if there && slices.Equal(f.rows[at].Values, row.Values) {
			rows, was = append(rows, f.rows[at]), append(was, at)
			continue
		}
		if !there {
			at = -1
		}
		shown, err := f.source.Decode(*row)
		if err != nil {
			return nil, nil, err
		}
		rows, was = append(rows, &entry{*row, shown}), append(was, at)
	}
	return rows, was, nil
}

func change(kind registry.ChangeKind, at int, e *entry) numbered {
	return numbered{registry.Change{Kind: kind, At: at, Row: e.shown}, e.size()}
}

func all(rows []*entry) numbered {
	c := numbered{Change: registry.Change{Kind: registry.Present}}
	for _, e := range rows {
		c.Rows = append(c.Rows, e.shown)
		c.size += e.size()
	}
	return c
}

// longestRise tells which numbers belong to a longest rising part of a list;
// those below zero don't. They are the rows that need not move.
func longestRise(list []int) []bool {
	var ends []int // ends[n]: the place of the least number at which n+1 rising ones end
	previous := make([]int, len(list))
	for i, v := range list {
		if v < 0 {
			continue
		}
		n := sort.Search(len(ends), func(n int) bool { return list[ends[n]] >= v })
		previous[i] = -1
		if n > 0 {
			previous[i] = ends[n-1]
		}
		if n == len(ends) {
			ends = append(ends, i)
		} else {
			ends[n] = i
		}
	}
	in := make([]bool, len(list))
	if len(ends) == 0 {
		return in
	}
	for i := ends[len(ends)-1]; i >= 0; i = previous[i] {
		in[i] = true
	}
	return in
}
