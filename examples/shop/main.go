// Shop takes orders, tells another system of each, waits for payments that come
// through a queue, and gives up orders that are not paid in time.
package main

import (
	"flag"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/shop/order"
	"github.com/talix-dev/talix/standalone"
)

func main() {
	warehouse := flag.String("warehouse", "", "`URL` that is told of each order by POST; without it, orders are told to no one")
	patience := flag.Duration("patience", 15*time.Minute, "how long an order waits for its payment")
	app := standalone.New()
	app.Main(
		talix.Provide[order.Warehouse](newWarehouse(*warehouse)),
		talix.Provide(order.Patience(*patience)),
		order.Service,
	)
}
