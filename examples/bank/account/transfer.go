package account

import (
	"time"

	"github.com/talix-dev/talix"
)

// Leg is one account's part of a transfer.
type Leg struct {
	Transfer string `json:"transfer"`
	Amount   int64  `json:"amount" minimum:"1" maximum:"1000000000000"`
}

// Sent says that money left for another account.
type Sent Leg

// Apply takes the money.
func (e Sent) Apply(a *Account, _ talix.Meta) { a.Balance -= e.Amount }

// Received says that money came from another account.
type Received Leg

// Apply adds the money.
func (e Received) Apply(a *Account, _ talix.Meta) { a.Balance += e.Amount }

// Returned says that money came back that could not be received.
type Returned Leg

// Apply adds the money.
func (e Returned) Apply(a *Account, _ talix.Meta) { a.Balance += e.Amount }

// Send takes money out of an account that holds enough, for another one.
var Send = talix.NewCommand(Accounts, "send",
	func(c talix.CommandContext[Account], in Leg) (Balance, error) {
		if held := c.State().Balance; held < in.Amount {
			return Balance{}, talix.Reject("the account holds %d, which is less than %d", held, in.Amount)
		}
		c.Emit(Sent(in))
		return Balance{c.State().Balance, c.Version()}, nil
	})

// Receive puts money from another account into one that exists.
var Receive = talix.NewCommand(Accounts, "receive",
	func(c talix.CommandContext[Account], in Leg) (Balance, error) {
		if !c.Exists() {
			return Balance{}, talix.Reject("there is no account %s", c.ID())
		}
		c.Emit(Received(in))
		return Balance{c.State().Balance, c.Version()}, nil
	})

// Return puts money back into the account that sent it.
var Return = talix.NewCommand(Accounts, "return",
	func(c talix.CommandContext[Account], in Leg) (Balance, error) {
		c.Emit(Returned(in))
		return Balance{c.State().Balance, c.Version()}, nil
	})

// Order is what a transfer does.
type Order struct {
	From   string `json:"from" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	To     string `json:"to" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	Amount int64  `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Whole cents."`
	Hold   int    `json:"holdSeconds,omitempty" minimum:"0" maximum:"86400" doc:"How long the money stays on its way, and the transfer can be cancelled."`
}

type transfer struct {
	ID string `json:"id"`
	Order
}

// Transfer moves money between two accounts: in the end it is with the one or
// with the other, whatever happens on the way.
var Transfer = talix.NewWorkflow("transfer",
	func(ctx talix.ActionContext, in transfer) (Order, error) {
		leg := Leg{in.ID, in.Amount}
		if _, err := talix.Run(ctx, Send, in.From, leg); err != nil {
			return in.Order, err
		}
		talix.Compensate(ctx, "return", func(ctx talix.ActionContext) error {
			_, err := talix.Run(ctx, Return, in.From, leg)
			return err
		})
		if in.Hold > 0 {
			talix.Sleep(ctx, time.Duration(in.Hold)*time.Second)
		}
		_, err := talix.Run(ctx, Receive, in.To, leg)
		return in.Order, err
	})

// TransferState tells how far a transfer is.
type TransferState struct {
	Code     int    `status:"" json:"-"`
	Location string `header:"Location" json:"-"`
	ID       string `json:"transferId"`
	Status   string `json:"status" doc:"running, waiting, compensating, done, failed or cancelled"`
	Reason   string `json:"reason,omitempty" doc:"Why it failed."`
}

// Transfers answers POST /transfers.
var Transfers = talix.OnHTTP("POST /transfers",
	func(ctx talix.ActionContext, in Order) (TransferState, error) {
		if in.From == in.To {
			return TransferState{}, talix.Invalid("body.to", "is the account that the money comes from")
		}
		id := talix.NewID(ctx)
		err := talix.Start(ctx, Transfer, id, transfer{id, in})
		return TransferState{Code: 202, Location: "/transfers/" + id, ID: id, Status: "running"}, err
	})

// TransferID names a transfer.
type TransferID struct {
	ID string `path:"id" minLength:"1" maxLength:"64" doc:"The transfer."`
}

// TransferStatus answers GET /transfers/{id}.
var TransferStatus = talix.OnHTTP("GET /transfers/{id}",
	func(ctx talix.ActionContext, in TransferID) (TransferState, error) { return stateOf(ctx, in.ID) })

// Cancellations answers POST /transfers/{id}/cancellation.
var Cancellations = talix.OnHTTP("POST /transfers/{id}/cancellation",
	func(ctx talix.ActionContext, in TransferID) (TransferState, error) {
		if err := talix.Cancel(ctx, Transfer, in.ID); err != nil {
			return TransferState{}, err
		}
		return stateOf(ctx, in.ID)
	})

func stateOf(ctx talix.ActionContext, id string) (TransferState, error) {
	s, err := talix.State(ctx, Transfer, id)
	out := TransferState{Code: 200, ID: id, Status: string(s.Status)}
	if s.Err != nil {
		out.Reason = s.Err.Message
	}
	return out, err
}

// Exchange moves money in one append.
type Exchange struct {
	From   string `json:"from" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	To     string `json:"to" minLength:"1" maxLength:"64" pattern:"^[A-Za-z0-9_.-]+$"`
	Amount int64  `json:"amount" minimum:"1" maximum:"1000000000000" doc:"Whole cents."`
}

// Moved is what an exchange led to.
type Moved struct {
	From Balance `json:"from"`
	To   Balance `json:"to"`
}

// Exchanges answers POST /exchanges: a transfer whose both legs are one append.
// It is never on its way; money is with the one account or with the other.
var Exchanges = talix.OnHTTP("POST /exchanges",
	func(ctx talix.ActionContext, in Exchange) (Moved, error) {
		if in.From == in.To {
			return Moved{}, talix.Invalid("body.to", "is the account that the money comes from")
		}
		leg := Leg{talix.NewID(ctx), in.Amount}
		send, receive := talix.Do(Send, in.From, leg), talix.Do(Receive, in.To, leg)
		err := talix.Group(ctx, send, receive)
		return Moved{send.Reply(), receive.Reply()}, err
	})
