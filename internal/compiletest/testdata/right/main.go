// This one compiles: what the others do wrong, done right.
package main

import "github.com/talix-dev/talix"

type Cup struct{ Full bool }

type Filled struct{}

func (Filled) Apply(c *Cup, _ talix.Meta) { c.Full = true }

type Plate struct{ Clean bool }

type Washed struct{}

func (Washed) Apply(p *Plate, _ talix.Meta) { p.Clean = true }

var (
	Cups   = talix.NewEntity("cup", talix.Event[Filled]("CUP:FILLED"))
	Plates = talix.NewEntity("plate", talix.Event[Washed]("PLATE:WASHED"))
)

type Tea struct{ Sort string }

var Fill = talix.NewCommand(Cups, "fill",
	func(c talix.CommandContext[Cup], in Tea) (bool, error) {
		c.Emit(Filled{})
		return true, nil
	})

type Kettle interface{ Boil() }

type Row struct{ ID string }

var all = talix.SQL[struct{}, Row]("all", "SELECT id FROM cups")

var _ = talix.OnHTTP("POST /cups", func(ctx talix.ActionContext, in Tea) (bool, error) {
	talix.Get[Kettle](ctx).Boil()
	if _, err := talix.Ask(ctx, all, struct{}{}); err != nil {
		return false, err
	}
	return talix.Run(ctx, Fill, talix.NewID(ctx), in)
})

var (
	_ = talix.NewTable("cups", talix.When(func(r *Row, e talix.Recorded[Filled]) {}))
	_ = talix.NewTable("by_key",
		talix.By(func(e talix.Recorded[Filled]) string { return "" }, talix.When(func(r *Row, e talix.Recorded[Filled]) {})),
		talix.ByEach(func(e talix.Recorded[Washed]) []Row { return nil }, talix.DeleteWhen(func(r *Row, e talix.Recorded[Washed]) bool { return true })),
	)
	_    = talix.NewFold("fold", talix.When(func(n *int, e talix.Recorded[Filled]) { *n++ }))
	Bare = talix.NewTable[Row]("bare")
	_    = talix.NewView("view", talix.Tables{Bare}, talix.Project(func(tx talix.ViewTx, e talix.Recorded[Filled]) error {
		row, _ := Bare.Get(tx, Row{ID: e.EntityID})
		Bare.Put(tx, row)
		Bare.Delete(tx, row)
		return nil
	}))
	_ = talix.OnEvent("right", func(ctx talix.ActionContext, e talix.Recorded[Filled]) error { return nil })
	_ = talix.NewEntity("cup", talix.Event[Filled]("CUP:FILLED",
		talix.Was(func(oldFilled) Filled { return Filled{} },
			talix.WasFields[oldFilled](func(talix.Fields) error { return nil }))),
		talix.Became("CUP:OLD", func(oldFilled) []talix.EventFor[Cup] { return []talix.EventFor[Cup]{Filled{}} }),
	)
	_ = Plates
)

type oldFilled struct{}

func main() {}
