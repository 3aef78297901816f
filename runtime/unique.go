package runtime

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/entity"
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
// holder may lie in different partitions, and what is personal needs keys.
func (r *Runtime) checkUniques(ctx context.Context) (faults []error) {
	spans := is[store.Spanner](r.cfg.Store) || r.cfg.Store.Partitions() == 1
	for _, u := range r.registry.Uniques {
		var fault error
		switch {
		case !spans:
			fault = errors.New("needs a store that changes several partitions in one append: use one that is a store.Spanner")
		case u.Personal && r.personal == nil:
			fault = errors.New("is personal, which needs keys: set Config.Keys, such as to what sqlite.OpenKeys makes")
		case r.personal != nil:
			fault = r.checkForm(ctx, u)
		}
		if fault != nil {
			faults = append(faults, fmt.Errorf("%s: unique %q %w", u.Place, u.Name, fault))
		}
	}
	return faults
}

// checkForm refuses a set whose values are stored in the other form: they would
// be free.
func (r *Runtime) checkForm(ctx context.Context, u *registry.Unique) error {
	wrong, personal := entity.UniquePrefixes(u)
	mend := "has values that are stored as they are, and cannot become personal: define a set of another name"
	if !u.Personal {
		wrong, mend = personal, "has personal values: call Personal on its definition again"
	}
	for p := range store.Partition(r.cfg.Store.Partitions()) {
		found, err := r.cfg.Store.(store.Keeper).Records(ctx, p, entity.UniqueSpace, wrong, "", 1)
		if err != nil {
			return fmt.Errorf("cannot be checked: %w", err)
		}
		if len(found) > 0 {
			return errors.New(mend)
		}
	}
	return nil
}
