package account_test

import (
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/talixtest"
)

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, account.Service)
	talixtest.Compatible(t, "testdata/events.json", account.Service)
}

func TestMovements(t *testing.T) {
	t.Parallel()
	unknown := talixtest.Given(t, account.Accounts, "a")
	talixtest.When(unknown, account.Deposit, account.Movement{Amount: 70}).
		Then(account.Deposited{Amount: 70}).
		Reply(account.Balance{Balance: 70, Version: 1})
	talixtest.When(unknown, account.Deposit, account.Movement{}).
		Rejected(talix.ErrInvalid)

	a := talixtest.Given(t, account.Accounts, "a", account.Deposited{Amount: 70})
	talixtest.When(a, account.Withdraw, account.Movement{Amount: 70}).
		Then(account.Withdrawn{Amount: 70}).
		State(account.Account{})
	talixtest.When(a, account.Withdraw, account.Movement{Amount: 71}).
		Rejected(talix.Reject("the account holds 70, which is less than 71"))
}

func TestLegs(t *testing.T) {
	t.Parallel()
	leg := account.Leg{Transfer: "x", Amount: 30}
	a := talixtest.Given(t, account.Accounts, "a", account.Deposited{Amount: 50})

	sent := talixtest.When(a, account.Send, leg).Then(account.Sent(leg))
	talixtest.When(sent.After(), account.Send, leg).Rejected(talix.ErrRejected)
	talixtest.When(sent.After(), account.Return, leg).
		Then(account.Returned(leg)).
		State(account.Account{Balance: 50})
	talixtest.When(talixtest.Given(t, account.Accounts, "b"), account.Receive, leg).
		Rejected(talix.Reject("there is no account b"))
}

// Wherever a transfer leads, no money is lost.
func TestTransfers(t *testing.T) {
	t.Parallel()
	order := account.Order{From: "a", To: "b", Amount: 30, Hold: 60}
	for name, c := range map[string]struct {
		receiver bool   // there is one
		cancel   bool   // while the money is on its way
		status   string // in the end
		a        int64  // what is left
	}{
		"arrives":   {true, false, "done", 20},
		"returns":   {false, false, "failed", 50},
		"cancelled": {true, true, "cancelled", 50},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rt := talixtest.Start(t, account.Service)
			talixtest.Emit(rt, account.Accounts, "a", account.Deposited{Amount: 50})
			if c.receiver {
				talixtest.Emit(rt, account.Accounts, "b", account.Deposited{Amount: 1})
			}
			var transfer account.TransferState
			rt.Request("POST /transfers", order).Is(202).Into(&transfer)
			rt.Request("GET /totals", nil).JSON(account.Sum{Accounts: accounts(c.receiver), Balance: 19 + accounts(c.receiver), InTransit: 30})
			if c.cancel {
				rt.Request("POST /transfers/"+transfer.ID+"/cancellation", nil).Is(200)
			}
			rt.Advance(time.Minute)

			rt.Request("GET /transfers/"+transfer.ID, nil).Is(200).Into(&transfer)
			talixtest.Equal(t, c.status, transfer.Status)
			rows, err := talixtest.Ask(rt, account.Totals, struct{}{})
			if err != nil {
				t.Fatal(err)
			}
			talixtest.Equal(t, account.Sum{Accounts: accounts(c.receiver), Balance: 49 + accounts(c.receiver)}, rows)
			a, err := talixtest.Ask(rt, account.Get, account.ByID{ID: "a"})
			if a.Balance != c.a || err != nil {
				t.Error(a, err)
			}
		})
	}
}

func accounts(receiver bool) int64 {
	if receiver {
		return 2
	}
	return 1
}

// The view alone: events in, rows out.
func TestRows(t *testing.T) {
	t.Parallel()
	rt := talixtest.Start(t, account.Accounts, account.Rows, account.List)
	leg := account.Leg{Transfer: "x", Amount: 30}
	talixtest.Emit(rt, account.Accounts, "a", account.Deposited{Amount: 50}, account.Sent(leg))
	talixtest.Emit(rt, account.Accounts, "b", account.Deposited{Amount: 10}, account.Withdrawn{Amount: 5})
	page, err := talixtest.Ask(rt, account.List, account.Filter{Min: 6})
	if err != nil {
		t.Fatal(err)
	}
	talixtest.Equal(t, []account.Listed{{ID: "a", Balance: 20, Version: 2}}, page.Items)
}
