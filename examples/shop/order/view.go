package order

import "github.com/talix-dev/talix"

// Row is an order in the view.
type Row struct {
	ID       string `json:"orderId"`
	Item     string `json:"item"`
	Quantity int    `json:"quantity"`
	Place    string `json:"place,omitempty"`
	Status   Status `json:"status" db:"status,index"`
}

// Rows is the view of all orders.
var Rows = talix.NewTable("orders",
	talix.When(func(r *Row, e talix.Recorded[Placed]) {
		r.Item, r.Quantity, r.Status = e.Data.Item, e.Data.Quantity, StatusPlaced
	}),
	talix.When(func(r *Row, e talix.Recorded[Reserved]) {
		r.Place = e.Data.Place
		if r.Status == StatusPlaced {
			r.Status = StatusReserved
		}
	}),
	talix.When(func(r *Row, _ talix.Recorded[Paid]) { r.Status = StatusPaid }),
	talix.When(func(r *Row, _ talix.Recorded[Expired]) { r.Status = StatusExpired }),
)

// Get reads one order.
var Get = talix.SQLOne[ID, Row]("get-order",
	`SELECT id, item, quantity, place, status FROM orders WHERE id = :id`,
	talix.Expose("GET /orders/{id}"))

// Count is how many orders have a status.
type Count struct {
	Status Status `json:"status"`
	Orders int    `json:"orders"`
}

// Counts reads how many orders there are of each status.
var Counts = talix.SQL[struct{}, Count]("count-orders",
	`SELECT status, count(*) AS orders FROM orders GROUP BY status ORDER BY status`,
	talix.Expose("GET /counts"))

// Service is the shop.
var Service = talix.Service{Name: "shop", Components: talix.Components{
	Orders, Place, Reserve, Pay, Expire,
	PlaceOrder, PayOrder, ReserveGoods, OnPayment, OnUnpaid, Outgoing,
	Rows, Get, Counts,
	talix.Needs[Warehouse](), talix.Needs[Patience](),
}}
