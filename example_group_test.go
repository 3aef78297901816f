package talix_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// Chest is what the events of one chest add up to.
type Chest struct{ Coins int }

// CoinsMoved says that coins came in or, below zero, went out.
type CoinsMoved struct{ Coins int }

// Apply counts the coins.
func (e CoinsMoved) Apply(c *Chest, _ talix.Meta) { c.Coins += e.Coins }

// Coins move from one chest to another, or stay where they are.
func ExampleGroup() {
	chests := talix.NewEntity("chest", talix.Event[CoinsMoved]("CHESTS:COINS_MOVED"))
	move := talix.NewCommand(chests, "move", func(c talix.CommandContext[Chest], coins int) (int, error) {
		if c.State().Coins+coins < 0 {
			return 0, talix.Reject("it holds only %d coins", c.State().Coins)
		}
		c.Emit(CoinsMoved{coins})
		return c.State().Coins, nil
	})
	rt, err := runtime.New(context.Background(), runtime.Config{
		Store: memory.New(memory.Config{}),
		Parts: []talix.Part{talix.Service{Name: "treasury", Components: talix.Components{chests, move}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop()
	ctx := rt.Context(context.Background())
	if _, err := talix.Run(ctx, move, "oak", 5); err != nil {
		fmt.Println(err)
	}
	for range 2 {
		oak, iron := talix.Do(move, "oak", -3), talix.Do(move, "iron", 3)
		err := talix.Group(ctx, oak, iron)
		if e, ok := errors.AsType[*talix.Error](err); ok {
			fmt.Println(e.Entity, "was at fault:", e.Message)
			continue
		}
		fmt.Println("oak holds", oak.Reply(), "and iron", iron.Reply())
	}
	// Output:
	// oak holds 2 and iron 3
	// chest/oak was at fault: chest "oak": it holds only 2 coins
}
