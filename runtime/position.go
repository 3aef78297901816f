package runtime

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// positions is a place in the log, by partition, written as in "0:17,3:5".
type positions map[store.Partition]store.Position

// with is the later of ps and a position; ps is not changed.
func (ps positions) with(p store.Partition, at store.Position) positions {
	if ps[p] >= at {
		return ps
	}
	c := maps.Clone(ps)
	if c == nil {
		c = positions{}
	}
	c[p] = at
	return c
}

func (ps positions) String() string {
	var b strings.Builder
	for _, p := range slices.Sorted(maps.Keys(ps)) {
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d:%d", p, ps[p])
	}
	return b.String()
}

// parsePositions reads what String wrote, for a log of n partitions.
func parsePositions(s string, n int) (positions, error) {
	if s == "" {
		return nil, nil
	}
	ps := positions{}
	for part := range strings.SplitSeq(s, ",") {
		left, right, _ := strings.Cut(part, ":")
		p, err := strconv.Atoi(left)
		at, err2 := strconv.ParseInt(right, 10, 64)
		if err != nil || err2 != nil || p < 0 || p >= n || at < 0 {
			return nil, &registry.Fault{
				Code: registry.Invalid, Message: "the position to wait for is not valid",
				Fields: []registry.Field{{Location: "after", Message: "send what a Talix-Position header said, as in 0:17"}},
			}
		}
		ps[store.Partition(p)] = store.Position(at)
	}
	return ps, nil
}

// waitFor waits until views have taken what stands up to the given positions.
func (r *Runtime) waitFor(ctx context.Context, tables []string, ps positions) error {
	if len(ps) == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, r.cfg.QueryWait)
	defer cancel()
	err := r.projector.Wait(bounded, tables, ps)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*registry.Fault](err); ok {
		return err
	}
	return registry.Faultf(registry.Unavailable, "the view is behind what you wrote; try again later").Because(err)
}
