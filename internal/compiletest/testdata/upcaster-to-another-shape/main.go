// want: Past\[Filled\] of .* does not match inferred type talix\.Past\[oldFilled\]
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

type oldFilled struct{}

type olderFilled struct{}

var _ = talix.Event[Filled]("CUP:FILLED",
	talix.Was(func(oldFilled) Filled { return Filled{} },
		talix.Was(func(olderFilled) Filled { return Filled{} })))

func main() {}
