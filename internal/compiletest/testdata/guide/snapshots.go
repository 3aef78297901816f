package guide

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
)

var Accounts = talix.NewEntity("account", talix.Event[account.Deposited]("ACCOUNTS:DEPOSITED")).
	SnapshotEvery(500). // below zero: none
	CodeVersion(2)

func snapshots(ctx context.Context, rt *runtime.Runtime) error {
	for _, p := range rt.Entities().Snapshots() {
		fmt.Println(p.EntityType, p.Every, p.None)
	}
	for d, err := range rt.Entities().Verify(ctx, "account") {
		if err != nil {
			return err
		}
		for _, f := range d.Fields {
			fmt.Printf("%s: %s is %s, and by its events %s\n", d.EntityID, f.Path, f.Snapshot, f.Events)
		}
	}
	return nil
}
