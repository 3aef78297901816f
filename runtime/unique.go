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
	var lack string
	_, spans := r.cfg.Store.(store.Spanner)
	switch {
	case r.cfg.Cluster != nil:
		lack = "a runtime that is no node of a cluster, as nodes cannot change partitions of each other in one append yet: run one process"
	case !spans && r.cfg.Store.Partitions() > 1:
		lack = "a store that changes several partitions in one append: use one that is a store.Spanner"
	default:
		return nil
	}
	for _, u := range r.registry.Uniques {
		faults = append(faults, fmt.Errorf("%s: unique %q needs %s", u.Place, u.Name, lack))
	}
	return faults
}
