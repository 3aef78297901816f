package runtime

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

var _ registry.Holders = (*scope)(nil)

// Holder is who holds a unique value.
func (s *scope) Holder(ctx context.Context, u *registry.Unique, value string) (store.Stream, bool, error) {
	stream, found, err := s.r.engine.Holder(ctx, u, value)
	if err != nil {
		return store.Stream{}, false, s.r.fail(err, "unique", u.Name, s.cause.correlation)
	}
	return stream, found, nil
}

// checkUniques tells what is lacking that unique values need: a value and its
// holder may lie in different partitions.
func (r *Runtime) checkUniques() (faults []error) {
	if is[store.Spanner](r.cfg.Store) || r.cfg.Store.Partitions() == 1 {
		return nil
	}
	for _, u := range r.registry.Uniques {
		faults = append(faults, fmt.Errorf("%s: unique %q needs a store that changes several partitions in one append: use one that is a store.Spanner", u.Place, u.Name))
	}
	return faults
}
