package account

import "github.com/talix-dev/talix"

// Request is a movement on the account in the path.
type Request struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$" doc:"The account."`
	Movement
}

// Deposits answers POST /accounts/{id}/deposits.
var Deposits = talix.OnHTTP("POST /accounts/{id}/deposits",
	func(ctx talix.ActionContext, in Request) (Balance, error) {
		return talix.Run(ctx, Deposit, in.ID, in.Movement)
	})

// Withdrawals answers POST /accounts/{id}/withdrawals.
var Withdrawals = talix.OnHTTP("POST /accounts/{id}/withdrawals",
	func(ctx talix.ActionContext, in Request) (Balance, error) {
		return talix.Run(ctx, Withdraw, in.ID, in.Movement)
	})

// ByID names one account.
type ByID struct {
	ID string `path:"id" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$" doc:"The account."`
}

// Get reads one account.
var Get = talix.NewQuery("get-account",
	func(ctx talix.QueryContext, in ByID) (Balance, error) {
		a, err := talix.Load(ctx, Accounts, in.ID)
		return Balance{a.State.Balance, a.Version}, err
	}, talix.Expose("GET /accounts/{id}"))

// Row is an account in the view.
type Row struct {
	ID      string
	Balance int64 `db:"balance,index"`
	Version int64
	// Transit is what the account has sent and not received back, less what it
	// has received: over all accounts, the money that is on its way.
	Transit int64
}

// Rows is the view of all accounts.
var Rows = talix.NewTable("accounts",
	talix.When(func(r *Row, e talix.Recorded[Deposited]) {
		r.Balance += e.Data.Amount
		r.Version = e.Version
	}),
	talix.When(func(r *Row, e talix.Recorded[Withdrawn]) {
		r.Balance -= e.Data.Amount
		r.Version = e.Version
	}),
	talix.When(func(r *Row, e talix.Recorded[Sent]) {
		r.Balance -= e.Data.Amount
		r.Transit += e.Data.Amount
		r.Version = e.Version
	}),
	talix.When(func(r *Row, e talix.Recorded[Received]) {
		r.Balance += e.Data.Amount
		r.Transit -= e.Data.Amount
		r.Version = e.Version
	}),
	talix.When(func(r *Row, e talix.Recorded[Returned]) {
		r.Balance += e.Data.Amount
		r.Transit -= e.Data.Amount
		r.Version = e.Version
	}),
)

// Filter is the input of List.
type Filter struct {
	Min int64 `query:"min" doc:"The least balance, in cents."`
	talix.Paging
}

// Listed is an account in a list.
type Listed struct {
	ID      string `json:"id"`
	Balance int64  `json:"balance"`
	Version int64  `json:"version"`
}

// List reads the accounts that hold at least so much.
var List = talix.SQL[Filter, Listed]("list-accounts",
	`SELECT id, balance, version FROM accounts WHERE balance >= :min`,
	talix.PageBy("id"), talix.Expose("GET /accounts"))

// Sum is the answer of Totals.
type Sum struct {
	Accounts  int64 `json:"accounts"`
	Balance   int64 `json:"balance"`
	InTransit int64 `json:"inTransit" doc:"What transfers have taken from one account and not given to another."`
}

// Totals reads what all accounts hold together.
var Totals = talix.SQLOne[struct{}, Sum]("totals",
	`SELECT count(*) AS accounts, coalesce(sum(balance), 0) AS balance, coalesce(sum(transit), 0) AS in_transit FROM accounts`,
	talix.Expose("GET /totals"))

// Service is the bank.
var Service = talix.Service{Name: "bank", Components: talix.Components{
	Accounts, Deposit, Withdraw, Deposits, Withdrawals, Get, Rows, List, Totals,
	Send, Receive, Return, Transfer, Transfers, TransferStatus, Cancellations, Exchanges,
}}
