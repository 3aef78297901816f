package runtime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// The events of an entity with the states that they led to, and what others
// would lead to.
func ExampleEntities() {
	w := newWorld()
	rt, err := runtime.New(context.Background(), runtime.Config{Store: memory.New(memory.Config{}), Parts: []talix.Part{w.service()}})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Stop()
	for _, n := range []int{1, 2, 3} {
		if _, err := talix.Run(rt.Context(context.Background()), w.put, "mine", coins{n}); err != nil {
			log.Fatal(err)
		}
	}
	entities := rt.Entities()
	newest, err := entities.Events(context.Background(), "purse", "mine", runtime.EventFilter{Reverse: true, Max: 2, States: true})
	if err != nil {
		log.Fatal(err)
	}
	for _, m := range newest {
		fmt.Println(m.Version, m.EventType, string(m.Payload), string(m.State))
	}
	would, err := entities.Simulate(context.Background(), "purse", "mine", talix.Version(2), []runtime.GivenEvent{
		{Type: "PURSE:PUT", Data: json.RawMessage(`{"coins":100}`)},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(would[0].State))
	// Output:
	// 3 PURSE:PUT {"coins":3} {"Coins":6}
	// 2 PURSE:PUT {"coins":2} {"Coins":3}
	// {"Coins":103}
}

// The entities that changed last, page by page.
func ExampleEntities_List() {
	w := newWorld()
	rt, err := runtime.New(context.Background(), runtime.Config{Store: memory.New(memory.Config{}), Parts: []talix.Part{w.service()}})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Stop()
	for _, id := range []string{"a", "b", "c", "b"} {
		if _, err := talix.Run(rt.Context(context.Background()), w.put, id, coins{1}); err != nil {
			log.Fatal(err)
		}
	}
	f := runtime.ListFilter{EntityType: "purse", By: runtime.ByChange, Reverse: true, Max: 2}
	for more := true; more; more = f.Cursor != "" {
		page, err := rt.Entities().List(context.Background(), f)
		if err != nil {
			log.Fatal(err)
		}
		for _, e := range page.Entities {
			fmt.Println(e.EntityID, e.Version)
		}
		f = runtime.ListFilter{Cursor: page.Cursor, Max: 2}
	}
	// Output:
	// b 2
	// c 1
	// a 1
}
