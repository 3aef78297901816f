// Package account is the smallest real entity: an account in whole cents.
package account

import "github.com/talix-dev/talix"

// Account is what the events of one account add up to.
type Account struct {
	Balance int64 // cents
}

// Deposited says that money came in.
type Deposited struct {
	Amount int64 `json:"amount"`
}

// Apply adds the money.
func (e Deposited) Apply(a *Account, _ talix.Meta) { a.Balance += e.Amount }

// Withdrawn says that money went out.
type Withdrawn struct {
	Amount int64 `json:"amount"`
}

// Apply takes the money.
func (e Withdrawn) Apply(a *Account, _ talix.Meta) { a.Balance -= e.Amount }

// Accounts are the entities.
var Accounts = talix.NewEntity("account",
	talix.Event[Deposited]("ACCOUNTS:DEPOSITED"),
	talix.Event[Withdrawn]("ACCOUNTS:WITHDRAWN"),
	talix.Event[Sent]("ACCOUNTS:SENT"),
	talix.Event[Received]("ACCOUNTS:RECEIVED"),
	talix.Event[Returned]("ACCOUNTS:RETURNED"),
)

// Movement is the input of deposits and withdrawals.
type Movement struct {
	Amount int64 `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Whole cents."`
}

// Balance is what an account holds.
type Balance struct {
	Balance int64 `json:"balance"`
	Version int64 `json:"version"`
}

// Deposit puts money into an account; the first one opens it.
var Deposit = talix.NewCommand(Accounts, "deposit",
	func(c talix.CommandContext[Account], in Movement) (Balance, error) {
		c.Emit(Deposited(in))
		return Balance{c.State().Balance, c.Version()}, nil
	})

// Withdraw takes money out of an account that holds enough.
var Withdraw = talix.NewCommand(Accounts, "withdraw",
	func(c talix.CommandContext[Account], in Movement) (Balance, error) {
		if held := c.State().Balance; held < in.Amount {
			return Balance{}, talix.Reject("the account holds %d, which is less than %d", held, in.Amount)
		}
		c.Emit(Withdrawn(in))
		return Balance{c.State().Balance, c.Version()}, nil
	})
