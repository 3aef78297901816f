package guide

import (
	"context"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/examples/shop/order"
	"github.com/talix-dev/talix/talixtest"
)

func testMovements(t *testing.T) {
	a := talixtest.Given(t, account.Accounts, "a", account.Deposited{Amount: 70})

	talixtest.When(a, account.Withdraw, account.Movement{Amount: 70}).
		Then(account.Withdrawn{Amount: 70}).
		Reply(account.Balance{Balance: 0, Version: 2})
	talixtest.When(a, account.Withdraw, account.Movement{Amount: 71}).
		Rejected(talix.Reject("the account holds 70, which is less than 71"))
}

type warehouse struct{}

func (*warehouse) Reserve(context.Context, string, order.Reservation) (string, error) {
	return "A1", nil
}

func testOrder(t *testing.T) {
	rt := talixtest.Start(t, order.Service, talix.Provide[order.Warehouse](&warehouse{}), talix.Provide(order.Patience(time.Hour)))
	placed := order.Placed{Item: "lamp", Quantity: 2}

	var id order.ID
	rt.Request("POST /orders", order.Wish{Item: "lamp", Quantity: 2}).Is(200).Into(&id)
	rt.Advance(time.Hour)
	talixtest.Equal(t, []talix.EventFor[order.Order]{placed, order.Reserved{Place: "A1"}, order.Expired{}},
		talixtest.Events(rt, order.Orders, id.ID))
}
