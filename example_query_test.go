package talix_test

import (
	"context"
	"fmt"
	"log"
	"net/http/httptest"
	"strings"

	"github.com/talix-dev/talix"
)

// CupRow is a cup in the view.
type CupRow struct {
	ID   string `json:"id"`
	Tea  string `json:"tea" db:"tea,fulltext"`
	Sips int    `json:"sips"`
}

// NewCupRows is a view of all cups.
func NewCupRows() *talix.Table[CupRow] {
	return talix.NewTable("cups",
		talix.When(func(r *CupRow, e talix.Recorded[Filled]) { r.Tea, r.Sips = e.Data.Tea, 3 }),
		talix.When(func(r *CupRow, _ talix.Recorded[Sipped]) { r.Sips-- }))
}

func fill(ctx talix.ActionContext, cups ...string) {
	for _, cup := range cups {
		id, sort, _ := strings.Cut(cup, " ")
		if _, err := talix.Run(ctx, Fill, id, Tea{Sort: sort}); err != nil {
			log.Fatal(err)
		}
	}
}

// Filters that were left out, sets, and words to search for.
func ExampleSQL_filters() {
	type filter struct {
		Least *int     `query:"least"` // nil: whatever there is
		IDs   []string `query:"ids"`   // nil: all
		Words *string  `query:"words"`
	}
	find := talix.SQL[filter, CupRow]("find-cups", `
		SELECT id, tea, sips FROM cups
		WHERE (:least IS NULL OR sips >= :least)
			AND (:ids IS NULL OR id IN (:ids))
			AND (:words IS NULL OR id IN search(cups, :words))
		ORDER BY id`)
	rt, stop := run(talix.Components{NewCupRows(), find})
	defer stop()
	ctx := rt.Context(context.Background())

	fill(ctx, "a green", "b black", "c green")
	two, words := 2, "GRE"
	for _, in := range []filter{{}, {Least: &two, IDs: []string{"a", "b"}}, {Words: &words}, {IDs: []string{}}} {
		page, err := talix.Ask(ctx, find, in)
		fmt.Println(page.Items, err)
	}
	// Output:
	// [{a green 3} {b black 3} {c green 3}] <nil>
	// [{a green 3} {b black 3}] <nil>
	// [{a green 3} {c green 3}] <nil>
	// [] <nil>
}

func ExampleEach() {
	list := talix.SQL[talix.Paging, CupRow]("list-cups", `SELECT id, tea, sips FROM cups`, talix.PageBy("id"))
	rt, stop := run(talix.Components{NewCupRows(), list})
	defer stop()
	ctx := rt.Context(context.Background())

	fill(ctx, "a green", "b black")
	for row, err := range talix.Each(ctx, list, talix.Paging{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(row.ID, row.Tea)
	}
	// Output:
	// a green
	// b black
}

func ExampleWatch() {
	list := talix.SQL[talix.Paging, CupRow]("list-cups", `SELECT id, tea, sips FROM cups`, talix.PageBy("id"), talix.Live())
	rt, stop := run(talix.Components{NewCupRows(), list})
	defer stop()
	ctx := rt.Context(context.Background())

	fill(ctx, "a green")
	for change, err := range talix.Watch(ctx, list, talix.Paging{}) {
		if err != nil {
			log.Fatal(err)
		}
		if change.Kind == talix.ChangePresent {
			fmt.Println(change.Kind, change.Rows)
			fill(ctx, "b black")
			continue
		}
		fmt.Println(change.Kind, change.At, change.Row)
		break
	}
	// Output:
	// present [{a green 3}]
	// insert 1 {b black 3}
}

func ExampleExpose() {
	list := talix.SQL[talix.Paging, CupRow]("list-cups", `SELECT id, tea, sips FROM cups`, talix.PageBy("id"),
		talix.Expose("GET /cups"), talix.Describe("List cups", "By their ids."))
	fillMine := talix.OnHTTP("POST /cups/mine", func(ctx talix.ActionContext, in Tea) (int, error) {
		return talix.Run(ctx, Fill, "mine", in)
	})
	rt, stop := run(talix.Components{NewCupRows(), list, fillMine})
	defer stop()

	r := httptest.NewRequest("POST", "/cups/mine", strings.NewReader(`{"sort":"green"}`))
	r.Header.Set("Content-Type", "application/json")
	written := httptest.NewRecorder()
	rt.Handler().ServeHTTP(written, r)
	for _, accept := range []string{"application/json", "application/x-ndjson", "text/csv"} {
		r := httptest.NewRequest("GET", "/cups", nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Talix-After", written.Header().Get("Talix-Position")) // so that it is seen
		w := httptest.NewRecorder()
		rt.Handler().ServeHTTP(w, r)
		fmt.Print(strings.ReplaceAll(w.Body.String(), "\r", ""))
	}
	// Output:
	// {"items":[{"id":"mine","tea":"green","sips":3}]}
	// {"id":"mine","tea":"green","sips":3}
	// id,tea,sips
	// mine,green,3
}
