package seal

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/talix-dev/talix/store"
)

var (
	_ store.Backward = (*Store)(nil)
	_ store.Walker   = (*Store)(nil)
)

// LoadBack implements store.Backward, of a store within that need not be.
func (s *Store) LoadBack(ctx context.Context, stream store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return func(yield func(store.Event, error) bool) {
		for e, err := range store.LoadBack(ctx, s.Store, stream, before) {
			if err == nil && suspect(e.Data) {
				if e.Data, err = s.box.Open(ctx, e.Data, boundOf(&e)); err != nil {
					e, err = store.Event{}, fmt.Errorf("load version %d of %s: %w", e.Version, stream, err)
				}
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

// Walk implements store.Walker, if the store within does.
func (s *Store) Walk(ctx context.Context, p store.Partition, w store.Walk) (store.Walked, error) {
	walker, ok := s.Store.(store.Walker)
	if !ok {
		return store.Walked{}, fmt.Errorf("walk the log: %w", errors.ErrUnsupported)
	}
	return walker.Walk(ctx, p, w)
}
