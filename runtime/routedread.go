package runtime

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/talix-dev/talix/store"
)

var (
	_ store.Backward = routed{}
	_ store.Walker   = routed{}
)

// LoadBack implements store.Backward, of a store within that need not be.
func (s routed) LoadBack(ctx context.Context, name store.Stream, before store.Version) iter.Seq2[store.Event, error] {
	return store.LoadBack(ctx, s.Store, name, before)
}

// Walk implements store.Walker, if the store within does.
func (s routed) Walk(ctx context.Context, p store.Partition, w store.Walk) (store.Walked, error) {
	walker, ok := s.Store.(store.Walker)
	if !ok {
		return store.Walked{}, fmt.Errorf("walk the log: %w", errors.ErrUnsupported)
	}
	return walker.Walk(ctx, p, w)
}
