// Views is the program that the tests of views kill: orders of customers, and a
// view of each shape over them.
package main

import (
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/standalone"
)

// Customer and Order are the states of the entities, of which nothing is asked.
type (
	Customer struct{ Names int }
	Order    struct{ Lines int }
)

// Named says what a customer is called now.
type Named struct {
	Name string `json:"name"`
}

// Apply counts the names.
func (Named) Apply(c *Customer, _ talix.Meta) { c.Names++ }

// Bought says that a customer has bought for an amount.
type Bought struct {
	Customer string `json:"customer"`
	Amount   int64  `json:"amount"`
}

// Apply counts the lines.
func (Bought) Apply(o *Order, _ talix.Meta) { o.Lines++ }

// The entities.
var (
	Customers = talix.NewEntity("customer", talix.Event[Named]("CUSTOMERS:NAMED"))
	Orders    = talix.NewEntity("order", talix.Event[Bought]("ORDERS:BOUGHT"))
)

// Work is how many events to emit.
type Work struct {
	Events int `json:"events" minimum:"1"`
}

// Rename and Buy emit events that follow from the version alone.
var (
	Rename = talix.NewCommand(Customers, "rename", func(c talix.CommandContext[Customer], in Work) (int64, error) {
		for range in.Events {
			c.Emit(Named{Name: fmt.Sprintf("%s the %d.", c.ID(), c.Version()+1)})
		}
		return c.Version(), nil
	})
	Buy = talix.NewCommand(Orders, "buy", func(c talix.CommandContext[Order], in Work) (int64, error) {
		for range in.Events {
			c.Emit(Bought{Customer: customerOf(c.ID()), Amount: c.Version()%7 + 1})
		}
		return c.Version(), nil
	})
)

// customerOf is the customer of an order, of which there are ten times as many.
func customerOf(order string) string { return "c" + order[1:len(order)-1] }

// Request says who is to work.
type Request struct {
	ID string `path:"id" minLength:"2"`
	Work
}

// The triggers.
var (
	PostCustomer = talix.OnHTTP("POST /customers/{id}", func(ctx talix.ActionContext, in Request) (int64, error) {
		return talix.Run(ctx, Rename, in.ID, in.Work)
	})
	PostOrder = talix.OnHTTP("POST /orders/{id}", func(ctx talix.ActionContext, in Request) (int64, error) {
		return talix.Run(ctx, Buy, in.ID, in.Work)
	})
)

// Count is a row of the counting view: many orders share one.
type Count struct {
	Customer string `db:"customer,key"`
	Lines    int64
	Sum      int64
}

// Counting counts what each customer buys. Its code changes with its version.
var Counting = talix.NewTable("counting",
	talix.By(func(e talix.Recorded[Bought]) string { return e.Data.Customer },
		talix.When(func(r *Count, e talix.Recorded[Bought]) {
			r.Lines++
			r.Sum += e.Data.Amount * int64(version())
			slow()
		})),
).CodeVersion(version())

// Line is a row of the joined view.
type Line struct {
	Customer string `db:"customer,key"`
	Order    string `db:"order_id,key"`
	Name     string
	Lines    int64
}

// Person is what the joined view knows of a customer.
type Person struct {
	ID   string
	Name string
}

// The tables of the joined view, which holds the name of the customer with each
// order.
var (
	Lines  = talix.NewTable[Line]("lines")
	People = talix.NewTable[Person]("people")
	Joined = talix.NewView("joined", talix.Tables{Lines, People},
		talix.Project(func(tx talix.ViewTx, e talix.Recorded[Named]) error {
			People.Put(tx, Person{ID: e.EntityID, Name: e.Data.Name})
			for _, l := range Lines.Under(tx, Line{Customer: e.EntityID}) {
				l.Name = e.Data.Name
				Lines.Put(tx, l)
			}
			return nil
		}),
		talix.Project(func(tx talix.ViewTx, e talix.Recorded[Bought]) error {
			l, found := Lines.Get(tx, Line{Customer: e.Data.Customer, Order: e.EntityID})
			if !found {
				p, _ := People.Get(tx, Person{ID: e.Data.Customer})
				l = Line{Customer: e.Data.Customer, Order: e.EntityID, Name: p.Name}
			}
			l.Lines++
			Lines.Put(tx, l)
			return nil
		}))
)

// Last is a value of the folded view.
type Last struct {
	Amounts []int64 `json:"amounts"`
	Count   int64   `json:"count"`
}

// Folded keeps the last amounts of each order, and its history.
var Folded = talix.NewFold("folded",
	talix.When(func(v *Last, e talix.Recorded[Bought]) {
		v.Count++
		if v.Amounts = append(v.Amounts, e.Data.Amount); len(v.Amounts) > 3 {
			v.Amounts = v.Amounts[1:]
		}
	}))

// Sum is the answer of Totals.
type Sum struct {
	Lines int64 `json:"lines"`
	Sum   int64 `json:"sum"`
}

// Totals asks the counting view, and names the others, so that who waits for one
// waits for all.
var Totals = talix.SQLOne[struct{}, Sum]("totals",
	`SELECT coalesce(sum(lines), 0) AS lines, coalesce(sum(sum), 0) AS sum FROM counting
	WHERE (SELECT count(*) FROM lines) >= 0 AND (SELECT count(*) FROM folded) >= 0`, talix.Expose("GET /totals"))

func version() int {
	n, err := strconv.Atoi(os.Getenv("VIEWS_VERSION"))
	if err != nil {
		return 1
	}
	return n
}

// slow makes a rebuild last, so that others can look on.
func slow() {
	if d, err := time.ParseDuration(os.Getenv("VIEWS_SLOW")); err == nil {
		for end := time.Now().Add(d); time.Now().Before(end); {
		}
	}
}

func main() {
	standalone.Main(talix.Service{Name: "views", Components: talix.Components{
		Customers, Orders, Rename, Buy, PostCustomer, PostOrder, Counting, Joined, Folded, Totals,
	}})
}
