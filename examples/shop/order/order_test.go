package order_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/shop/order"
	"github.com/talix-dev/talix/talixtest"
)

var placed = order.Placed{Item: "lamp", Quantity: 2}

func TestEvents(t *testing.T) {
	t.Parallel()
	talixtest.Check(t, order.Service)
	talixtest.Compatible(t, "testdata/events.json", order.Service)
}

// The timer that ends an order is set with it, and removed by its payment.
func TestPlaceAndPay(t *testing.T) {
	t.Parallel()
	wish := order.Wish{Item: "lamp", Quantity: 2, Patience: time.Hour}
	place := talixtest.When(talixtest.Given(t, order.Orders, "o"), order.Place, wish).Then(placed)
	talixtest.Scheduled(place, order.Unpaid, "", talixtest.Begin().Add(time.Hour), struct{}{})
	talixtest.When(place.After(), order.Place, wish).Rejected(talix.Reject("order o exists"))

	pay := talixtest.When(place.After(), order.Pay, struct{}{}).Then(order.Paid{}).Reply(order.StatusPaid)
	talixtest.Unscheduled(pay, order.Unpaid, "")
	talixtest.When(pay.After(), order.Pay, struct{}{}).Then().Reply(order.StatusPaid)
	talixtest.When(pay.After(), order.Expire, struct{}{}).Then()
}

func TestExpire(t *testing.T) {
	t.Parallel()
	o := talixtest.Given(t, order.Orders, "o", placed, order.Reserved{Place: "A1"})
	expired := talixtest.When(o, order.Expire, struct{}{}).
		Then(order.Expired{}).
		State(order.Order{Item: "lamp", Quantity: 2, Place: "A1", Status: order.StatusExpired})
	talixtest.When(expired.After(), order.Pay, struct{}{}).Rejected(talix.Reject("order o has expired"))
	talixtest.When(talixtest.Given(t, order.Orders, "o"), order.Pay, struct{}{}).Rejected(talix.ErrNotFound)
}

// warehouse is one that answers after it has failed a few times.
type warehouse struct {
	failures int
	asked    []string // delivery ids
}

func (w *warehouse) Reserve(_ context.Context, deliveryID string, _ order.Reservation) (string, error) {
	w.asked = append(w.asked, deliveryID)
	if len(w.asked) <= w.failures {
		return "", errors.New("the warehouse is closed")
	}
	return "A1", nil
}

func shop(t *testing.T, w *warehouse) *talixtest.Runtime {
	t.Helper()
	return talixtest.Start(t, order.Service, talix.Provide[order.Warehouse](w), talix.Provide(order.Patience(time.Hour)))
}

func placeOrder(rt *talixtest.Runtime) (id order.ID) {
	rt.Request("POST /orders", order.Wish{Item: "lamp", Quantity: 2}).Is(200).Into(&id)
	return id
}

func TestOrderThatIsPaid(t *testing.T) {
	t.Parallel()
	rt := shop(t, &warehouse{})
	id := placeOrder(rt)
	rt.Send("payments", talixtest.Message(id.ID, order.Payment{OrderID: id.ID}))
	rt.Advance(2 * time.Hour)
	rt.Request("GET /orders/"+id.ID, nil).Is(200).JSON(order.Row{
		ID: id.ID, Item: "lamp", Quantity: 2, Place: "A1", Status: order.StatusPaid,
	})
	if n := len(rt.Published("orders")); n != 3 {
		t.Error(n, "events were published")
	}
}

func TestOrderThatExpires(t *testing.T) {
	t.Parallel()
	rt := shop(t, &warehouse{})
	id := placeOrder(rt)
	rt.Advance(time.Hour)
	talixtest.Equal(t, []talix.EventFor[order.Order]{placed, order.Reserved{Place: "A1"}, order.Expired{}},
		talixtest.Events(rt, order.Orders, id.ID))
	rt.Request("POST /orders/"+id.ID+"/payment", nil).Is(409)
}

// A warehouse that fails is asked again, under the same delivery id.
func TestWarehouseThatFails(t *testing.T) {
	t.Parallel()
	w := &warehouse{failures: 2}
	rt := shop(t, w)
	id := placeOrder(rt)
	if failures := rt.Failures(); len(failures) != 1 || failures[0].EntityID != id.ID {
		t.Fatal(failures)
	}
	rt.Advance(time.Minute)
	talixtest.Equal(t, []string{w.asked[0], w.asked[0], w.asked[0]}, w.asked)
	talixtest.Equal(t, []string{"A1"}, talixtest.Inputs(rt, order.Reserve, id.ID))
}

// A payment that no order wants is parked, for a person to look at.
func TestPaymentOfNoOrder(t *testing.T) {
	t.Parallel()
	rt := shop(t, &warehouse{})
	rt.Send("payments", talixtest.Message("o", order.Payment{OrderID: "o"}))
	if failures := rt.Failures(); len(failures) != 1 || !failures[0].Parked {
		t.Error(failures)
	}
}
