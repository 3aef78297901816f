package move

import (
	"bytes"
	"context"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// A result belongs to the partition of the entity that its command was for.
// It does not name it; but the command's events do. What led to no events is
// brought to every partition: it is asked for in one of them, and is forgotten
// in all of them when its time has come.

const (
	// resultPage is how many results are read at a time.
	resultPage = 2048
	// resultPages bounds the results that are held while the log is searched.
	resultPages = 256
)

func (k *copier) results(ctx context.Context) error {
	m := k.meter("results", "results", 0, 0)
	for after := (store.KeptResult{}); ; {
		chunk, last, err := k.resultChunk(ctx, after)
		if err != nil {
			return err
		}
		if err := k.putResults(ctx, chunk); err != nil {
			return err
		}
		k.did.Results += int64(len(chunk))
		if err := m.at(ctx, k.did.Results, 0); err != nil || last {
			return err
		}
		after = chunk[len(chunk)-1]
	}
}

// resultChunk reads some pages of results.
func (k *copier) resultChunk(ctx context.Context, after store.KeptResult) (chunk []store.KeptResult, last bool, err error) {
	for range resultPages {
		page, err := k.From.Results(ctx, after, resultPage)
		if err != nil {
			return nil, false, err
		}
		if chunk = append(chunk, page...); len(page) < resultPage {
			return chunk, true, nil
		}
		after = page[len(page)-1]
	}
	return chunk, false, nil
}

func (k *copier) putResults(ctx context.Context, chunk []store.KeptResult) error {
	homes, err := k.homes(ctx, chunk)
	if err != nil {
		return err
	}
	all := map[store.Partition][]store.Batch{}
	for i, r := range chunk {
		for _, p := range homes[i] {
			all[p] = append(all[p], store.Batch{Key: r.Key, Result: r.Result, Time: r.Time})
		}
	}
	for p, batches := range all {
		for len(batches) > 0 {
			n := min(len(batches), resultPage)
			if err := commit(ctx, k.To, p, batches[:n], sameReply); err != nil {
				return err
			}
			batches = batches[n:]
		}
	}
	return nil
}

func sameReply(b *store.Batch, o store.Outcome) error {
	if o.Status == store.Duplicate && !bytes.Equal(o.Result, b.Result) {
		return fmt.Errorf("%w: the command %v has another result", ErrDifferent, b.Key)
	}
	return nil
}

// homes are the partitions of the target in which results are to stand.
func (k *copier) homes(ctx context.Context, chunk []store.KeptResult) ([][]store.Partition, error) {
	homes, n := make([][]store.Partition, len(chunk)), k.To.Partitions()
	if n == 1 || n == k.From.Partitions() {
		for i := range chunk {
			homes[i] = []store.Partition{min(chunk[i].Partition, store.Partition(n-1))}
		}
		return homes, nil
	}
	if len(chunk) == 0 {
		return nil, nil
	}
	if err := k.search(ctx, chunk, homes); err != nil {
		return nil, err
	}
	for i := range homes {
		if homes[i] == nil {
			homes[i] = every(n)
		}
	}
	return homes, nil
}

func every(n int) []store.Partition {
	all := make([]store.Partition, n)
	for p := range all {
		all[p] = store.Partition(p)
	}
	return all
}

// search finds the homes of results whose commands led to events.
func (k *copier) search(ctx context.Context, chunk []store.KeptResult, homes [][]store.Partition) error {
	type place struct {
		partition store.Partition
		key       store.ID
	}
	wanted := make(map[place]int, len(chunk))
	for i := range chunk {
		wanted[place{chunk[i].Partition, chunk[i].Key}] = i
	}
	r, err := read(ctx, k.From, nil)
	if err != nil {
		return err
	}
	for {
		events, err := r.take(ctx, chunkEvents)
		if err != nil || len(events) == 0 {
			return err
		}
		for i := range events {
			if at, ok := wanted[place{events[i].Partition, events[i].Command}]; ok {
				homes[at] = []store.Partition{store.PartitionOf(events[i].Stream, k.To.Partitions())}
			}
		}
	}
}
