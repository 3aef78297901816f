package diff

import (
	"slices"
	"strconv"
)

// pair is a member before and after; one of them may be nil.
type pair struct {
	name, plain   string // of a member of an object: as JSON, and as it is
	index         int    // of an element
	before, after *node
	last          bool
}

func join(path string, p pair) string {
	switch {
	case p.name == "":
		return path + "[" + strconv.Itoa(p.index) + "]"
	case path == "":
		return p.plain
	}
	return path + "." + p.plain
}

// pairs puts members together that belong together.
func pairs(before, after *node) (all []pair) {
	if after.kind == '{' {
		all = byName(before, after)
	} else {
		all = byPlace(before.members, after.members)
	}
	if len(all) > 0 {
		all[len(all)-1].last = true
	}
	return all
}

// byName has those that are there in their order, then those that are gone.
func byName(before, after *node) (all []pair) {
	for i, name := range after.names {
		all = append(all, pair{name: literal(name), plain: name, before: before.member(name), after: after.members[i]})
	}
	for i, name := range before.names {
		if after.member(name) == nil {
			all = append(all, pair{name: literal(name), plain: name, before: before.members[i]})
		}
	}
	return all
}

// byPlace matches the elements that are the same at the beginning and at the
// end, and the others one by one.
func byPlace(before, after []*node) (all []pair) {
	head, tail := 0, 0
	for head < min(len(before), len(after)) && before[head].equal(after[head]) {
		head++
	}
	for tail < min(len(before), len(after))-head && before[len(before)-1-tail].equal(after[len(after)-1-tail]) {
		tail++
	}
	b, a := before[head:len(before)-tail], after[head:len(after)-tail]
	for i := range head {
		all = append(all, pair{index: i, before: before[i], after: after[i]})
	}
	for i := range max(len(a), len(b)) {
		p := pair{index: head + i}
		if i < len(b) {
			p.before = b[i]
		}
		if i < len(a) {
			p.after = a[i]
		}
		all = append(all, p)
	}
	for i := range slices.Backward(make([]struct{}, tail)) {
		all = append(all, pair{index: len(after) - 1 - i, before: before[len(before)-1-i], after: after[len(after)-1-i]})
	}
	return all
}
