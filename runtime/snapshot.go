package runtime

import (
	"github.com/talix-dev/talix/internal/snapshot"
	"github.com/talix-dev/talix/store"
)

func (r *Runtime) newSnapshots() *snapshot.Snapshots {
	return snapshot.New(snapshot.Config{
		Store: r.cfg.Store.(store.Keeper), Partitions: r.tail.Partitions(), Group: r.group, NewRev: r.ids.New, Log: r.cfg.Log,
		Entities: r.registry.Entities, Every: r.cfg.Entities.SnapshotEvery, Slow: r.cfg.Entities.SlowLoad,
	})
}
