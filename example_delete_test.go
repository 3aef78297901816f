package talix_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// Basket is what the events of one shopping basket add up to.
type Basket struct{ Items int }

// ItemAdded says that something was put into a basket.
type ItemAdded struct{}

// Apply counts it.
func (ItemAdded) Apply(b *Basket, _ talix.Meta) { b.Items++ }

// BasketDiscarded is a basket's last event.
type BasketDiscarded struct{ Why string }

// Apply empties the basket.
func (BasketDiscarded) Apply(b *Basket, _ talix.Meta) { b.Items = 0 }

// A basket is deleted, and takes no more commands.
func ExampleCommandContext_Delete() {
	baskets := talix.NewEntity("basket",
		talix.Event[ItemAdded]("BASKETS:ITEM_ADDED"), talix.Event[BasketDiscarded]("BASKETS:BASKET_DISCARDED"))
	add := talix.NewCommand(baskets, "add", func(c talix.CommandContext[Basket], _ struct{}) (int, error) {
		c.Emit(ItemAdded{})
		return c.State().Items, nil
	})
	discard := talix.NewCommand(baskets, "discard", func(c talix.CommandContext[Basket], why string) (struct{}, error) {
		c.Delete(BasketDiscarded{why})
		return struct{}{}, nil
	})
	rt, err := runtime.New(context.Background(), runtime.Config{
		Store: memory.New(memory.Config{}),
		Parts: []talix.Part{talix.Service{Name: "shop", Components: talix.Components{baskets, add, discard}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop()
	ctx := rt.Context(context.Background())
	fmt.Println(talix.Run(ctx, add, "b1", struct{}{}))
	_, err = talix.Run(ctx, discard, "b1", "bought elsewhere")
	fmt.Println(err)
	_, err = talix.Run(ctx, add, "b1", struct{}{})
	fmt.Println(err, errors.Is(err, talix.ErrGone))
	// Output:
	// 1 <nil>
	// <nil>
	// gone: basket "b1" was deleted true
}
