// Package order is the orders of a shop: events, commands, and what has to
// happen around them.
package order

import "github.com/talix-dev/talix"

// Order is what the events of one order add up to.
type Order struct {
	Item     string
	Quantity int
	Place    string // where the warehouse has put the goods
	Status   Status
}

// Status is how far an order is.
type Status string

// The statuses.
const (
	StatusPlaced   Status = "PLACED"
	StatusReserved Status = "RESERVED"
	StatusPaid     Status = "PAID"
	StatusExpired  Status = "EXPIRED"
)

// Placed says that someone ordered something.
type Placed struct {
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// Apply begins the order.
func (e Placed) Apply(o *Order, _ talix.Meta) {
	*o = Order{Item: e.Item, Quantity: e.Quantity, Status: StatusPlaced}
}

// Reserved says that the warehouse keeps the goods.
type Reserved struct {
	Place string `json:"place"`
}

// Apply notes where.
func (e Reserved) Apply(o *Order, _ talix.Meta) {
	o.Place = e.Place
	if o.Status == StatusPlaced {
		o.Status = StatusReserved
	}
}

// Paid says that the money came.
type Paid struct{}

// Apply notes it.
func (Paid) Apply(o *Order, _ talix.Meta) { o.Status = StatusPaid }

// Expired says that the money did not come in time.
type Expired struct{}

// Apply notes it.
func (Expired) Apply(o *Order, _ talix.Meta) { o.Status = StatusExpired }

// Orders are the entities.
var Orders = talix.NewEntity("order",
	talix.Event[Placed]("ORDERS:ORDER_PLACED"),
	talix.Event[Reserved]("ORDERS:ORDER_RESERVED"),
	talix.Event[Paid]("ORDERS:ORDER_PAID"),
	talix.Event[Expired]("ORDERS:ORDER_EXPIRED"),
)
