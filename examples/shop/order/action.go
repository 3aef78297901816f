package order

import (
	"context"
	"errors"
	"time"

	"github.com/talix-dev/talix"
)

// Warehouse keeps goods for orders.
type Warehouse interface {
	// Reserve keeps the goods and says where. It may be asked again under the
	// same delivery id.
	Reserve(ctx context.Context, deliveryID string, r Reservation) (place string, err error)
}

// Reservation is what the warehouse is asked for.
type Reservation struct {
	OrderID  string `json:"orderId"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
}

// Patience is how long an order waits for its payment.
type Patience time.Duration

// ID names an order.
type ID struct {
	ID string `path:"id" json:"orderId" minLength:"1" maxLength:"64"`
}

// PlaceOrder answers POST /orders.
var PlaceOrder = talix.OnHTTP("POST /orders",
	func(ctx talix.ActionContext, in Wish) (ID, error) {
		id := talix.NewID(ctx)
		in.Patience = time.Duration(talix.Get[Patience](ctx))
		_, err := talix.Run(ctx, Place, id, in)
		return ID{id}, err
	})

// PayOrder answers POST /orders/{id}/payment, for those who pay at the counter.
var PayOrder = talix.OnHTTP("POST /orders/{id}/payment",
	func(ctx talix.ActionContext, in ID) (Payable, error) {
		status, err := talix.Run(ctx, Pay, in.ID, struct{}{})
		return Payable{status}, err
	})

// Payable is what became of an order that was paid.
type Payable struct {
	Status Status `json:"status"`
}

// ReserveGoods asks the warehouse for each new order, once it has answered
// never again, and notes what it said.
var ReserveGoods = talix.OnEvent("reserve-goods",
	func(ctx talix.ActionContext, e talix.Recorded[Placed]) error {
		place, err := talix.Step(ctx, "reserve", func(c context.Context) (string, error) {
			r := Reservation{e.EntityID, e.Data.Item, e.Data.Quantity}
			return talix.Get[Warehouse](ctx).Reserve(c, ctx.DeliveryID().String(), r)
		})
		if err != nil {
			return err
		}
		_, err = talix.Run(ctx, Reserve, e.EntityID, place)
		return err
	})

// Payment is a message of the payment system.
type Payment struct {
	OrderID string `json:"orderId"`
}

// OnPayment takes payments from the queue.
var OnPayment = talix.OnMessage("take-payment", "payments",
	func(ctx talix.ActionContext, m talix.Message[Payment]) error {
		_, err := talix.Run(ctx, Pay, m.Data.OrderID, struct{}{})
		if errors.Is(err, talix.ErrRejected) || errors.Is(err, talix.ErrNotFound) {
			return talix.Final(err) // a person has to look at it
		}
		return err
	})

// OnUnpaid ends orders whose time is over.
var OnUnpaid = talix.OnTimer(Unpaid,
	func(ctx talix.ActionContext, f talix.Fired[struct{}]) error {
		_, err := talix.Run(ctx, Expire, f.EntityID, struct{}{})
		return err
	})

// Outgoing publishes all that happens to orders.
var Outgoing = talix.Publish("publish-orders", Orders, "orders", talix.EventAndState)
