package runtime

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// positions is a place in the log: at most one position for each partition, in
// order of partition. It is written as in "0:17,3:5".
type positions []place

type place struct {
	partition store.Partition
	at        store.Position
}

// with is the later of ps and a position; ps is not changed.
func (ps positions) with(p store.Partition, at store.Position) positions {
	i, found := slices.BinarySearchFunc(ps, p, func(o place, p store.Partition) int { return int(o.partition - p) })
	if !found {
		return slices.Insert(slices.Clip(ps), i, place{p, at})
	}
	if ps[i].at >= at {
		return ps
	}
	c := slices.Clone(ps)
	c[i].at = at
	return c
}

func (ps positions) String() string {
	var b []byte
	for i, at := range ps {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, int64(at.partition), 10)
		b = append(b, ':')
		b = strconv.AppendInt(b, int64(at.at), 10)
	}
	return string(b)
}

// parsePositions reads what String wrote, for a log of n partitions.
func parsePositions(s string, n int) (ps positions, err error) {
	if s == "" {
		return nil, nil
	}
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
		ps = ps.with(store.Partition(p), store.Position(at))
	}
	return ps, nil
}

// byPartition is the same as a map.
func (ps positions) byPartition() map[store.Partition]store.Position {
	m := make(map[store.Partition]store.Position, len(ps))
	for _, at := range ps {
		m[at.partition] = at.at
	}
	return m
}

// waitFor waits until views have taken what stands up to the given positions.
func (r *Runtime) waitFor(ctx context.Context, tables []string, ps positions) error {
	if len(ps) == 0 {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, r.cfg.QueryWait)
	defer cancel()
	err := r.projector.Wait(bounded, tables, ps.byPartition())
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*registry.Fault](err); ok {
		return err
	}
	return registry.Faultf(registry.Unavailable, "the view is behind what you wrote; try again later").Because(err)
}
