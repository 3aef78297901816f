package runtime_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// A mail that was lost is sent again, for one account.
func ExamplePours() {
	sent := make(chan string, 100)
	mail := talix.OnEvent("mail", func(ctx talix.ActionContext, e talix.Recorded[account.Deposited]) error {
		sent <- fmt.Sprintf("%s: %d, again: %t", e.EntityID, e.Data.Amount, ctx.Replay())
		return nil
	})
	ctx := context.Background()
	rt, err := runtime.New(ctx, runtime.Config{
		Store: memory.New(memory.Config{}), Log: slog.New(slog.DiscardHandler),
		Parts: []talix.Part{talix.Service{Name: "mails", Components: talix.Components{account.Accounts, account.Deposit, mail}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	rt.Start()
	defer rt.Stop()
	if _, err := talix.Run(rt.Context(ctx), account.Deposit, "ann", account.Movement{Amount: 5}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-sent)

	err = rt.Pours().Start(ctx, runtime.Pour{
		Name: "lost-mails-of-march", Actions: []string{"mail"}, EntityIDs: []string{"ann"}, Until: time.Now().Add(time.Hour),
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(<-sent)
	// Output:
	// ann: 5, again: false
	// ann: 5, again: true
}
