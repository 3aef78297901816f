package console_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
)

// Counter is what the events of one counter add up to.
type Counter struct{ Total int }

// Added says that something was counted.
type Added struct {
	N int `json:"n"`
}

// Apply counts.
func (e Added) Apply(c *Counter, _ talix.Meta) { c.Total += e.N }

func ExampleNew() {
	counters := talix.NewEntity("counter", talix.Event[Added]("COUNTERS:ADDED"))
	add := talix.NewCommand(counters, "add", func(c talix.CommandContext[Counter], n int) (int, error) {
		c.Emit(Added{n})
		return c.State().Total, nil
	})

	counted := meter.New(meter.Config{})
	rt, err := runtime.New(context.Background(), runtime.Config{Store: memory.New(memory.Config{}), Parts: []talix.Part{
		talix.Service{Name: "counter", Components: talix.Components{counters, add}}, talix.Use(counted),
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer rt.Stop()
	if _, err := talix.Run(rt.Context(context.Background()), add, "visits", 3); err != nil {
		fmt.Println(err)
	}

	pages := console.New(console.Config{Runtime: rt, Meter: counted})
	defer pages.Close()
	r := httptest.NewRequest("GET", "http://127.0.0.1:8081/entity?type=counter&id=visits", http.NoBody)
	w := httptest.NewRecorder()
	pages.ServeHTTP(w, r)
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "COUNTERS:ADDED"))
	// Output: 200 true
}
