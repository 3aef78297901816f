package runtime

import (
	"context"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

func (r *Runtime) newSnapshots() *snapshot.Snapshots {
	return snapshot.New(snapshot.Config{
		Store: r.cfg.Store.(store.Keeper), Partitions: r.tail.Partitions(), NewRev: r.ids.New, Log: r.cfg.Log,
		// Nothing is to be written before the engine is there, which asks for it.
		Submit: func(e *registry.Entity, s store.Stream, put store.Change) *commit.Pending {
			return r.engine.Beside(e, s, put)
		},
		Entities: r.registry.Entities, Every: r.cfg.Entities.SnapshotEvery, Slow: r.cfg.Entities.SlowLoad,
	})
}

// SnapshotInfo tells of the snapshot of one entity.
type SnapshotInfo struct {
	Version int64 // that it is of
	Bytes   int   // of its state
}

// Snapshot is the snapshot of an entity that loads begin with; false if there is
// none, or none that is of use.
func (e Entities) Snapshot(ctx context.Context, entityType, id string) (SnapshotInfo, bool, error) {
	def, err := e.definition(entityType)
	if err != nil {
		return SnapshotInfo{}, false, err
	}
	p, ok := e.r.snapshots.Load(ctx, e.r.snapshots.Plan(def), store.Stream{Type: entityType, ID: id})
	return SnapshotInfo{Version: int64(p.Version), Bytes: p.Size}, ok, nil
}
