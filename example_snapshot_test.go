package talix_test

import (
	"context"
	"fmt"
	"log"

	"github.com/talix-dev/talix"
)

type Mug struct{ Milk bool }

type Poured struct{ Milk bool }

func (e Poured) Apply(m *Mug, _ talix.Meta) { m.Milk = m.Milk || e.Milk }

// A number for the code of Apply, and one for how often a snapshot is made.
func ExampleEntity_CodeVersion() {
	mugs := talix.NewEntity("mug", talix.Event[Poured]("MUG:POURED")).
		CodeVersion(2).
		SnapshotEvery(500)
	rt, stop := run(talix.Components{mugs})
	defer stop()
	for _, p := range rt.Entities().Snapshots() {
		fmt.Println(p.EntityType, p.Every)
	}
	for d, err := range rt.Entities().Verify(context.Background(), "mug") {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(d.EntityID, d.Fields)
	}
	// Output:
	// cup 100
	// mug 500
}
