package order

import (
	"time"

	"github.com/talix-dev/talix"
)

// Unpaid is due when an order has waited long enough for its payment.
var Unpaid = talix.NewTimer[struct{}]("unpaid")

// Wish is the input of Place.
type Wish struct {
	Item     string        `json:"item" minLength:"1" maxLength:"100"`
	Quantity int           `json:"quantity" minimum:"1" maximum:"1000"`
	Patience time.Duration `json:"-"`
}

// Place begins an order, and sets the timer that ends it.
var Place = talix.NewCommand(Orders, "place",
	func(c talix.CommandContext[Order], in Wish) (struct{}, error) {
		if c.Exists() {
			return struct{}{}, talix.Reject("order %s exists", c.ID())
		}
		c.Emit(Placed{in.Item, in.Quantity})
		talix.Schedule(c, Unpaid, "", c.Time().Add(in.Patience), struct{}{})
		return struct{}{}, nil
	})

// Reserve notes where the goods are.
var Reserve = talix.NewCommand(Orders, "reserve",
	func(c talix.CommandContext[Order], place string) (struct{}, error) {
		c.Emit(Reserved{place})
		return struct{}{}, nil
	})

// Pay takes the payment of an order that waits for it.
var Pay = talix.NewCommand(Orders, "pay",
	func(c talix.CommandContext[Order], _ struct{}) (Status, error) {
		switch c.State().Status {
		case "":
			return "", talix.NotFound("there is no order %s", c.ID())
		case StatusExpired:
			return "", talix.Reject("order %s has expired", c.ID())
		case StatusPaid:
			return StatusPaid, nil
		}
		c.Emit(Paid{})
		talix.Unschedule(c, Unpaid, "")
		return StatusPaid, nil
	})

// Expire ends an order that was not paid.
var Expire = talix.NewCommand(Orders, "expire",
	func(c talix.CommandContext[Order], _ struct{}) (struct{}, error) {
		if s := c.State().Status; s == StatusPlaced || s == StatusReserved {
			c.Emit(Expired{})
		}
		return struct{}{}, nil
	})
