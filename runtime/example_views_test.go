package runtime_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
)

// A view parks what it can't take; it is listed, skipped, and seen by Verify.
func ExampleViews() {
	type row struct {
		ID  string
		Sum int64
	}
	sums := talix.NewTable("sums", talix.When(func(r *row, e talix.Recorded[account.Deposited]) {
		if e.Data.Amount == 13 {
			panic("bad luck")
		}
		r.Sum += e.Data.Amount
	}))
	ctx := context.Background()
	tables, err := sqlite.OpenTables(ctx, sqlite.TablesConfig{})
	if err != nil {
		log.Fatal(err)
	}
	defer tables.Close()
	rt, err := runtime.New(ctx, runtime.Config{
		Store: memory.New(memory.Config{}), Tables: tables, Log: slog.New(slog.DiscardHandler),
		Parts: []talix.Part{account.Service, talix.Service{Name: "sums", Components: talix.Components{sums}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	rt.Start()
	defer rt.Stop()

	action := rt.Context(ctx)
	for _, amount := range []int64{1, 13, 4} {
		if _, err := talix.Run(action, account.Deposit, "a", account.Movement{Amount: amount}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := talix.Ask(action, account.Totals, struct{}{}); err != nil { // another view, which has taken all
		log.Fatal(err)
	}
	parked := waitForParked(ctx, rt.Views(), "sums")
	fmt.Println(parked.EntityID, parked.Version, parked.Error)
	if err := rt.Views().Skip(ctx, "sums", "account", "a"); err != nil {
		log.Fatal(err)
	}
	all, err := rt.Views().Parked(ctx, "sums", runtime.ParkedEvent{}, 100)
	fmt.Println(len(all), err)
	// Output:
	// a 2 projection panicked: bad luck
	// 0 <nil>
}

// waitForParked returns the first event that a view parks.
func waitForParked(ctx context.Context, v runtime.Views, view string) runtime.ParkedEvent {
	for {
		all, err := v.Parked(ctx, view, runtime.ParkedEvent{}, 1)
		if err != nil {
			log.Fatal(err)
		}
		if len(all) > 0 {
			return all[0]
		}
	}
}
