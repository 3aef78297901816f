package runtime

import (
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/entity"
	"github.com/talix-dev/talix/internal/registry"
)

// Entities tells of entities: what they are, were, and would be. Nothing of it
// changes one. Its methods may be called from many goroutines; errors are of
// type *talix.Error.
type Entities struct {
	r *Runtime
}

// Entities tells of entities.
func (r *Runtime) Entities() Entities { return Entities{r} }

func (e Entities) definition(entityType string) (*registry.Entity, error) {
	if def := e.r.registry.Entity(entityType); def != nil {
		return def, nil
	}
	return nil, talix.NotFound("no service of this runtime has the entity %q", entityType)
}

// fault gives an error the form of users.
func (e Entities) fault(doing string, err error) error {
	switch {
	case err == nil:
		return nil
	case entity.IsPoison(err):
		return talix.UserError(registry.Faultf(registry.Internal, "%v", err).Because(err))
	}
	f := registry.Faultf(registry.Unavailable, "the store cannot be read at the moment; try again later")
	return talix.UserError(f.Because(fmt.Errorf("%s: %w", doing, err)))
}

// SnapshotPlan says how the snapshots of an entity type are made.
type SnapshotPlan struct {
	EntityType string
	// Every is how many events of an entity lie between two; zero: there are
	// none, and None says why.
	Every int
	None  string
	// OnlyLoaded, if not empty, says why they are made of states that were just
	// loaded, and not of those of live entities.
	OnlyLoaded string
}

// Snapshots tells how the snapshots of all entity types are made, in the order
// of their definition.
func (e Entities) Snapshots() []SnapshotPlan {
	var all []SnapshotPlan
	for _, def := range e.r.registry.Entities {
		plan := e.r.snapshots.Plan(def)
		p := SnapshotPlan{EntityType: def.Type, Every: plan.Every()}
		if err := plan.None(); err != nil {
			p.None = err.Error()
		}
		if err := plan.OnlyLoaded(); err != nil {
			p.OnlyLoaded = err.Error()
		}
		all = append(all, p)
	}
	return all
}
