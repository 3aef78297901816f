// want: Washed.* does not match inferred type talix.EventFor|Washed does not implement
package main

import (
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

type Cup struct{ Full bool }

type Filled struct{}

func (Filled) Apply(c *Cup, _ talix.Meta) { c.Full = true }

type Plate struct{ Clean bool }

type Washed struct{}

func (Washed) Apply(p *Plate, _ talix.Meta) { p.Clean = true }

var Cups = talix.NewEntity("cup", talix.Event[Filled]("CUP:FILLED"))

type Tea struct{ Sort string }

var Fill = talix.NewCommand(Cups, "fill",
	func(c talix.CommandContext[Cup], in Tea) (bool, error) {
		c.Emit(Filled{})
		return true, nil
	})

func main() {
	talixtest.Given(&testing.T{}, Cups, "c", Washed{})
}
