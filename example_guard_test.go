package talix_test

import (
	"context"
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// curfew is a plugin: it refuses withdrawals, and tells what was appended.
type curfew struct{}

func (curfew) Name() string { return "curfew" }

func (curfew) Guard(_ context.Context, op talix.Operation) error {
	if op.Name == "vault.withdraw" {
		return talix.Reject("the bank is closed").WithStatus(403)
	}
	return nil
}

func (curfew) Appended(_ context.Context, op talix.Operation, events []talix.Meta) {
	fmt.Println(op.Name, "appended", events[0].EventType)
}

// A plugin that refuses commands, and sees what others append.
func ExampleGuard() {
	vaults := talix.NewEntity("vault", talix.Event[VaultChanged]("VAULTS:VAULT_CHANGED"))
	change := func(sign int) func(c talix.CommandContext[Vault], coins int) (int, error) {
		return func(c talix.CommandContext[Vault], coins int) (int, error) {
			c.Emit(VaultChanged{sign * coins})
			return c.State().Coins, nil
		}
	}
	deposit, withdraw := talix.NewCommand(vaults, "deposit", change(1)), talix.NewCommand(vaults, "withdraw", change(-1))
	rt, err := runtime.New(context.Background(), runtime.Config{
		Store: memory.New(memory.Config{}),
		Parts: []talix.Part{
			talix.Service{Name: "bank", Components: talix.Components{vaults, deposit, withdraw}},
			talix.Use(curfew{}),
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop()
	ctx := rt.Context(context.Background())
	fmt.Println(talix.Run(ctx, deposit, "main", 5))
	fmt.Println(talix.Run(ctx, withdraw, "main", 5))
	// Output:
	// vault.deposit appended VAULTS:VAULT_CHANGED
	// 5 <nil>
	// 0 rejected: the bank is closed
}

// Vault is what the events of one vault add up to.
type Vault struct{ Coins int }

// VaultChanged says that coins came in or, below zero, went out.
type VaultChanged struct{ Coins int }

// Apply counts the coins.
func (e VaultChanged) Apply(v *Vault, _ talix.Meta) { v.Coins += e.Coins }
