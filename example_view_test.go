package talix_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// drink fills two cups of green tea and one of black, and sips.
func drink(rt *runtime.Runtime) talix.ActionContext {
	ctx := rt.Context(context.Background())
	for _, cup := range []struct{ id, tea string }{{"a", "green"}, {"b", "black"}, {"c", "green"}} {
		if _, err := talix.Run(ctx, Fill, cup.id, Tea{Sort: cup.tea}); err != nil {
			log.Fatal(err)
		}
	}
	for range 3 {
		if _, err := talix.Run(ctx, Sip, "a", struct{}{}); err != nil {
			log.Fatal(err)
		}
	}
	return ctx
}

// show asks a query for all rows.
func show[R any](ctx talix.ActionContext, q *talix.Query[struct{}, talix.Page[R]]) {
	page, err := talix.Ask(ctx, q, struct{}{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(page.Items)
}

func ExampleNewTable() {
	type row struct {
		ID   string
		Tea  string `db:"tea,index"`
		Sips int
	}
	rows := talix.NewTable("cups",
		talix.When(func(r *row, e talix.Recorded[Filled]) { r.Tea, r.Sips = e.Data.Tea, 3 }),
		talix.When(func(r *row, _ talix.Recorded[Sipped]) { r.Sips-- }),
	)
	all := talix.SQL[struct{}, row]("all-cups", `SELECT id, tea, sips FROM cups ORDER BY id`)
	rt, stop := run(talix.Components{rows, all})
	defer stop()
	show(drink(rt), all)
	// Output: [{a green 0} {b black 3} {c green 3}]
}

func ExampleDeleteWhen() {
	type row struct {
		ID   string
		Sips int
	}
	full := talix.NewTable("full_cups",
		talix.When(func(r *row, _ talix.Recorded[Filled]) { r.Sips = 3 }),
		talix.DeleteWhen(func(r *row, _ talix.Recorded[Sipped]) bool {
			r.Sips--
			return r.Sips == 0
		}),
	)
	all := talix.SQL[struct{}, row]("all-full-cups", `SELECT id, sips FROM full_cups ORDER BY id`)
	rt, stop := run(talix.Components{full, all})
	defer stop()
	show(drink(rt), all)
	// Output: [{b 3} {c 3}]
}

func ExampleBy() {
	type row struct {
		Tea  string `db:"tea,key"`
		Cups int
	}
	teas := talix.NewTable("teas",
		talix.By(func(e talix.Recorded[Filled]) string { return e.Data.Tea },
			talix.When(func(r *row, _ talix.Recorded[Filled]) { r.Cups++ })),
	)
	all := talix.SQL[struct{}, row]("all-teas", `SELECT tea, cups FROM teas ORDER BY tea`)
	rt, stop := run(talix.Components{teas, all})
	defer stop()
	show(drink(rt), all)
	// Output: [{black 1} {green 2}]
}

func ExampleByEach() {
	type row struct {
		Tea    string `db:"tea,key"`
		Letter string `db:"letter,key"`
		Cups   int
	}
	letters := talix.NewTable("letters",
		talix.ByEach(func(e talix.Recorded[Filled]) (keys []row) {
			for _, letter := range e.Data.Tea[:2] {
				keys = append(keys, row{Tea: e.Data.Tea, Letter: string(letter)})
			}
			return keys
		}, talix.When(func(r *row, _ talix.Recorded[Filled]) { r.Cups++ })),
	)
	all := talix.SQL[struct{}, row]("all-letters", `SELECT tea, letter, cups FROM letters ORDER BY tea, letter`)
	rt, stop := run(talix.Components{letters, all})
	defer stop()
	show(drink(rt), all)
	// Output: [{black b 1} {black l 1} {green g 2} {green r 2}]
}

func ExampleNewView() {
	type cup struct {
		ID   string
		Sips int64
	}
	type sip struct {
		Cup    string `db:"cup,key"`
		Number int64  `db:"number,key"`
	}
	cups, sips := talix.NewTable[cup]("cups"), talix.NewTable[sip]("sips")
	view := talix.NewView("drinking", talix.Tables{cups, sips},
		talix.Project(func(tx talix.ViewTx, e talix.Recorded[Filled]) error {
			cups.Put(tx, cup{ID: e.EntityID})
			return nil
		}),
		talix.Project(func(tx talix.ViewTx, e talix.Recorded[Sipped]) error {
			c, found := cups.Get(tx, cup{ID: e.EntityID})
			if !found {
				return fmt.Errorf("cup %s was never filled", e.EntityID)
			}
			if c.Sips++; c.Sips == 3 {
				for _, s := range sips.Under(tx, sip{Cup: c.ID}) {
					sips.Delete(tx, s)
				}
				cups.Delete(tx, c)
				return nil
			}
			cups.Put(tx, c)
			sips.Put(tx, sip{Cup: c.ID, Number: c.Sips})
			return nil
		}),
	)
	all := talix.SQL[struct{}, cup]("all-cups", `SELECT c.id, count(s.number) AS sips FROM cups c LEFT JOIN sips s ON s.cup = c.id GROUP BY c.id ORDER BY c.id`)
	rt, stop := run(talix.Components{view, all})
	defer stop()
	ctx := drink(rt)
	if _, err := talix.Run(ctx, Sip, "b", struct{}{}); err != nil {
		log.Fatal(err)
	}
	show(ctx, all)
	// Output: [{b 1} {c 0}]
}

func ExampleNewFold() {
	type habit struct{ Cups, Sips int }
	habits := talix.NewFold("habits",
		talix.By(func(talix.Recorded[Filled]) string { return "all" },
			talix.When(func(h *habit, _ talix.Recorded[Filled]) { h.Cups++ })),
		talix.By(func(talix.Recorded[Sipped]) string { return "all" },
			talix.When(func(h *habit, _ talix.Recorded[Sipped]) { h.Sips++ })),
	)
	rt, stop := run(talix.Components{habits})
	defer stop()
	ctx := drink(rt)
	all, err := habits.Get(ctx, "all")
	fmt.Println(all, err)
	_, err = habits.Get(ctx, "nobody")
	fmt.Println(errors.Is(err, talix.ErrNotFound))
	// Output:
	// {3 3} <nil>
	// true
}

func ExampleTable_KeepHistory() {
	type row struct {
		ID   string
		Sips int
	}
	cups := talix.NewTable("cups",
		talix.When(func(r *row, _ talix.Recorded[Filled]) { r.Sips = 3 }),
		talix.When(func(r *row, _ talix.Recorded[Sipped]) { r.Sips-- }),
	).KeepHistory()
	type ever struct {
		Sips    int
		Present bool
	}
	all := talix.SQL[struct{}, ever]("ever",
		`SELECT sips, valid_to = 9223372036854775807 AS present FROM cups_history WHERE id = 'a' ORDER BY valid_from`)
	rt, stop := run(talix.Components{cups, all})
	defer stop()
	show(drink(rt), all)
	// Output: [{3 false} {2 false} {1 false} {0 true}]
}
