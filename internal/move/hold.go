package move

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/store"
)

// Holding is what a store keeps beside its events.
type Holding struct {
	Results   int64         `json:"results"`
	Consumers int64         `json:"consumers"` // that have a mark
	Spaces    []SpaceOfKept `json:"spaces,omitempty"`
	// Unfinished tells that the store is a copy that was not finished.
	Unfinished bool `json:"unfinished,omitempty"`
}

// SpaceOfKept is a space of records.
type SpaceOfKept struct {
	Name    string `json:"name"`
	Records int64  `json:"records"`
}

// Hold tells what a store keeps beside its events.
func Hold(ctx context.Context, s Store) (h Holding, err error) {
	if err := whole(ctx, s); errors.Is(err, ErrUnfinished) {
		h.Unfinished = true
	} else if err != nil {
		return h, fmt.Errorf("survey: %w", err)
	}
	consumers := map[string]bool{}
	for p := range store.Partition(s.Partitions()) {
		if err := eachMark(ctx, s, p, func(m store.KeptMark) { consumers[m.Consumer] = true }); err != nil {
			return h, fmt.Errorf("survey: %w", err)
		}
	}
	h.Consumers = int64(len(consumers))
	err = eachRecord(ctx, s, func(_ store.Partition, page []store.Record) error {
		h.add(page[0].Space, int64(len(page)))
		return nil
	})
	for after := (store.KeptResult{}); err == nil; {
		var page []store.KeptResult
		if page, err = s.Results(ctx, after, resultPage); len(page) == 0 {
			break
		}
		h.Results += int64(len(page))
		after = page[len(page)-1]
	}
	if err != nil {
		err = fmt.Errorf("survey: %w", err)
	}
	return h, err
}

func (h *Holding) add(space string, n int64) {
	for i := range h.Spaces {
		if h.Spaces[i].Name == space {
			h.Spaces[i].Records += n
			return
		}
	}
	h.Spaces = append(h.Spaces, SpaceOfKept{space, n})
}
