package guide

import (
	"fmt"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
)

func move(ctx talix.ActionContext, from, to string, in account.Movement) error {
	take, give := talix.Do(account.Withdraw, from, in), talix.Do(account.Deposit, to, in)
	if err := talix.Group(ctx, take, give); err != nil {
		return err // nothing happened
	}
	balance := take.Reply()
	fmt.Println(balance)
	return nil
}
