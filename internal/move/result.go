package move

import (
	"bytes"
	"context"
	"fmt"

	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/store"
)

// resultPage is how many results are read at a time.
const resultPage = 1024

// results brings results over, each to the partition where it is asked for. They
// say themselves which one that is.
func (k *copier) results(ctx context.Context) error {
	m := k.meter("results", "results", 0, 0)
	var load cargo
	for after := (store.KeptResult{}); ; {
		page, err := k.From.Results(ctx, after, resultPage)
		if err != nil {
			return err
		}
		for i := range page {
			p, err := k.resultHome(&page[i])
			if err != nil {
				return err
			}
			load.add(p, store.Batch{Key: page[i].Key, Result: page[i].Result, Time: page[i].Time})
		}
		last := len(page) < resultPage
		if last || load.full() {
			if err := load.unload(ctx, k.To, sameReply); err != nil {
				return err
			}
		}
		k.did.Results += int64(len(page))
		if err := m.at(ctx, k.did.Results, 0); err != nil || last {
			return err
		}
		after = page[len(page)-1]
	}
}

func (k *copier) resultHome(r *store.KeptResult) (store.Partition, error) {
	n := k.To.Partitions()
	if n == 1 || n == k.From.Partitions() {
		return min(r.Partition, store.Partition(n-1)), nil
	}
	home, _, err := result.Open(r.Result)
	if err != nil {
		return 0, fmt.Errorf("carry the result of the command %v over: %w: copy to a store with as many partitions", r.Key, err)
	}
	return home.In(n), nil
}

func sameReply(b *store.Batch, o store.Outcome) error {
	if o.Status == store.Duplicate && !bytes.Equal(o.Result, b.Result) {
		return fmt.Errorf("%w: the command %v has another result", ErrDifferent, b.Key)
	}
	return nil
}
