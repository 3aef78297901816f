package talix_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http/httptest"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/source"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
)

// Cup is what the events of one cup add up to.
type Cup struct {
	Tea  string
	Sips int
}

type Filled struct{ Tea string }

func (e Filled) Apply(c *Cup, _ talix.Meta) { *c = Cup{Tea: e.Tea, Sips: 3} }

type Sipped struct{}

func (Sipped) Apply(c *Cup, _ talix.Meta) { c.Sips-- }

var Cups = talix.NewEntity("cup",
	talix.Event[Filled]("CUP:FILLED"),
	talix.Event[Sipped]("CUP:SIPPED"),
)

type Tea struct {
	Sort string `json:"sort" enum:"green,black"`
}

var Fill = talix.NewCommand(Cups, "fill",
	func(c talix.CommandContext[Cup], in Tea) (int, error) {
		c.Emit(Filled{Tea: in.Sort})
		return c.State().Sips, nil
	})

var Sip = talix.NewCommand(Cups, "sip",
	func(c talix.CommandContext[Cup], _ struct{}) (int, error) {
		if c.State().Sips == 0 {
			return 0, talix.Reject("cup %s is empty", c.ID())
		}
		c.Emit(Sipped{})
		return c.State().Sips, nil
	})

// run starts a runtime in memory, with the cups and more components.
func run(components talix.Components, parts ...talix.Part) (*runtime.Runtime, func()) {
	return runWith(func(*runtime.Config) {}, components, parts...)
}

// runWith is run with a changed configuration.
func runWith(change func(*runtime.Config), components talix.Components, parts ...talix.Part) (*runtime.Runtime, func()) {
	ctx := context.Background()
	tables, err := sqlite.OpenTables(ctx, sqlite.TablesConfig{})
	if err != nil {
		log.Fatal(err)
	}
	service := talix.Service{Name: "tea", Components: append(talix.Components{Cups, Fill, Sip}, components...)}
	cfg := runtime.Config{
		Store: memory.New(memory.Config{}), Tables: tables, Parts: append(parts, service), Log: slog.New(slog.DiscardHandler),
	}
	change(&cfg)
	rt, err := runtime.New(ctx, cfg)
	if err != nil {
		log.Fatal(err)
	}
	rt.Start()
	return rt, func() {
		rt.Stop()
		tables.Close()
	}
}

func ExampleRun() {
	rt, stop := run(nil)
	defer stop()
	ctx := rt.Context(context.Background())

	left, err := talix.Run(ctx, Fill, "mine", Tea{Sort: "green"})
	fmt.Println(left, err)
	left, err = talix.Run(ctx, Sip, "mine", struct{}{})
	fmt.Println(left, err)
	_, err = talix.Run(ctx, Sip, "yours", struct{}{})
	fmt.Println(err, errors.Is(err, talix.ErrRejected))
	_, err = talix.Run(ctx, Fill, "mine", Tea{Sort: "blue"})
	fmt.Println(errors.Is(err, talix.ErrInvalid))
	// Output:
	// 3 <nil>
	// 2 <nil>
	// rejected: cup yours is empty true
	// true
}

func ExampleLoad() {
	rt, stop := run(nil)
	defer stop()
	ctx := rt.Context(context.Background())

	if _, err := talix.Run(ctx, Fill, "mine", Tea{Sort: "black"}); err != nil {
		log.Fatal(err)
	}
	cup, err := talix.Load(ctx, Cups, "mine")
	fmt.Println(cup.State.Tea, cup.Version, err)
	_, err = talix.Load(ctx, Cups, "yours")
	fmt.Println(err)
	// Output:
	// black 1 <nil>
	// not_found: cup "yours" does not exist
}

func ExampleOnHTTP() {
	type order struct {
		ID  string `path:"id"`
		Tea        // the body
	}
	type served struct {
		Sips     int    `json:"sips"`
		Status   int    `status:""`
		Location string `header:"Location"`
	}
	post := talix.OnHTTP("POST /cups/{id}", func(ctx talix.ActionContext, in order) (served, error) {
		sips, err := talix.Run(ctx, Fill, in.ID, in.Tea)
		return served{Sips: sips, Status: 201, Location: "/cups/" + in.ID}, err
	})
	rt, stop := run(talix.Components{post})
	defer stop()

	for _, body := range []string{`{"sort":"green"}`, `{"sort":"blue"}`} {
		r := httptest.NewRequest("POST", "/cups/mine", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		rt.Handler().ServeHTTP(w, r)
		fmt.Println(w.Code, w.Header().Get("Location"), w.Header().Get("Content-Type"))
	}
	// Output:
	// 201 /cups/mine application/json
	// 422  application/problem+json
}

func ExampleOnEvent() {
	done := make(chan string)
	refill := talix.OnEvent("refill", func(ctx talix.ActionContext, e talix.Recorded[Sipped]) error {
		cup, err := talix.Load(ctx, Cups, e.EntityID)
		if err != nil || cup.State.Sips > 0 {
			return err
		}
		if _, err := talix.Run(ctx, Fill, e.EntityID, Tea{Sort: cup.State.Tea}); err != nil {
			return err // tried again later
		}
		done <- "refilled " + e.EntityID
		return nil
	})
	rt, stop := run(talix.Components{refill})
	defer stop()
	ctx := rt.Context(context.Background())

	if _, err := talix.Run(ctx, Fill, "mine", Tea{Sort: "green"}); err != nil {
		log.Fatal(err)
	}
	for range 3 {
		if _, err := talix.Run(ctx, Sip, "mine", struct{}{}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(<-done)
	// Output: refilled mine
}

func ExampleOn() {
	done := make(chan int)
	// A package for an outside system makes the trigger.
	orders := source.Trigger[Tea]{Name: "orders", Source: mailbox{{ID: "order-1", Data: []byte(`{"sort":"green"}`)}}}
	fill := talix.On("fill-on-order", orders, func(ctx talix.ActionContext, tea Tea) error {
		sips, err := talix.Run(ctx, Fill, talix.NewID(ctx), tea)
		done <- sips
		return err
	})
	_, stop := run(talix.Components{fill})
	defer stop()

	fmt.Println(<-done)
	// Output: 3
}

// mailbox is an outside system that delivers its messages once.
type mailbox []source.Message

func (m mailbox) Receive(ctx context.Context, deliver func(context.Context, source.Message) error) error {
	for _, message := range m {
		if err := deliver(ctx, message); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

func ExampleSQL() {
	type row struct {
		ID   string
		Tea  string `db:"tea,index"`
		Sips int
	}
	rows := talix.NewTable("cups",
		talix.When(func(r *row, e talix.Recorded[Filled]) { r.Tea, r.Sips = e.Data.Tea, 3 }),
		talix.When(func(r *row, _ talix.Recorded[Sipped]) { r.Sips-- }),
	)
	type filter struct {
		Tea string `query:"tea"`
		talix.Paging
	}
	list := talix.SQL[filter, row]("list-cups",
		`SELECT id, tea, sips FROM cups WHERE :tea = '' OR tea = :tea`,
		talix.PageBy("sips desc", "id"), talix.Expose("GET /cups"))
	rt, stop := run(talix.Components{rows, list})
	defer stop()
	ctx := rt.Context(context.Background())

	for _, id := range []string{"a", "b", "c"} {
		if _, err := talix.Run(ctx, Fill, id, Tea{Sort: "green"}); err != nil {
			log.Fatal(err)
		}
	}
	if _, err := talix.Run(ctx, Sip, "a", struct{}{}); err != nil {
		log.Fatal(err)
	}
	in := filter{Tea: "green"}
	for in.Limit = 2; ; {
		page, err := talix.Ask(ctx, list, in) // sees what ctx has written
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(page.Items)
		if in.Cursor = page.Next; in.Cursor == "" {
			break
		}
	}
	// Output:
	// [{b green 3} {c green 3}]
	// [{a green 2}]
}

func ExampleSQLOne() {
	type row struct {
		ID   string
		Sips int
	}
	rows := talix.NewTable("cups", talix.When(func(r *row, e talix.Recorded[Filled]) { r.Sips = 3 }))
	type sum struct{ Cups, Sips int }
	total := talix.SQLOne[struct{}, sum]("total", `SELECT count(*) AS cups, coalesce(sum(sips), 0) AS sips FROM cups`)
	rt, stop := run(talix.Components{rows, total})
	defer stop()
	ctx := rt.Context(context.Background())

	if _, err := talix.Run(ctx, Fill, "mine", Tea{Sort: "green"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(talix.Ask(ctx, total, struct{}{}))
	// Output: {1 3} <nil>
}

func ExampleNewQuery() {
	type byID struct {
		ID string `path:"id"`
	}
	get := talix.NewQuery("get-cup", func(ctx talix.QueryContext, in byID) (Cup, error) {
		cup, err := talix.Load(ctx, Cups, in.ID)
		return cup.State, err
	}, talix.Expose("GET /cups/{id}"))
	rt, stop := run(talix.Components{get})
	defer stop()

	if _, err := talix.Run(rt.Context(context.Background()), Fill, "mine", Tea{Sort: "green"}); err != nil {
		log.Fatal(err)
	}
	w := httptest.NewRecorder()
	rt.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/cups/mine", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output: 200 {"Tea":"green","Sips":3}
}

// Kettle is a service that actions need.
type Kettle interface{ Boil() string }

type electric struct{}

func (electric) Boil() string { return "it boils" }

func ExampleGet() {
	boil := talix.OnHTTP("POST /boil", func(ctx talix.ActionContext, _ struct{}) (string, error) {
		return talix.Get[Kettle](ctx).Boil(), nil
	})
	rt, stop := run(talix.Components{boil, talix.Needs[Kettle]()}, talix.Provide[Kettle](electric{}))
	defer stop()

	w := httptest.NewRecorder()
	rt.Handler().ServeHTTP(w, httptest.NewRequest("POST", "/boil", nil))
	fmt.Print(w.Body)
	// Output: "it boils"
}

// printer is a plugin that is told of everything that was done.
type printer struct{}

func (printer) Name() string { return "printer" }

func (printer) Report(_ context.Context, r talix.Report) {
	fmt.Println(r.Kind, r.Name, r.EntityID, r.Events)
}

func ExampleUse() {
	rt, stop := run(nil, talix.Use(printer{}))
	defer stop()

	if _, err := talix.Run(rt.Context(context.Background()), Fill, "mine", Tea{Sort: "green"}); err != nil {
		log.Fatal(err)
	}
	// Output: command cup.fill mine 1
}
