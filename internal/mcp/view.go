package mcp

import (
	"context"
	"fmt"
)

func (s *server) views() {
	add(s, tool{
		name: "list_views", title: "Views and how far they are",
		about: "Lists the views with their tables and columns, the event types that they take, how far each lags behind the log (in positions; 0 is kept up), how many entities have an event that it cannot take (parked), and how far a rebuild is.",
		rules: []rule{limited(200, 50), between("offset", 0, 1e6)},
	}, s.listViews)
	add(s, tool{
		name: "list_parked_events", title: "Events that a view cannot take",
		about: "Lists the first events that a view cannot take, with the error and the payload. Later events of the same entities wait behind them for this view.",
		rules: append(named("view"), limited(50, 20), between("offset", 0, 1e6)),
	}, s.listParkedEvents)
	add(s, tool{
		name: "read_table", title: "Rows of a view's table",
		about: "Reads rows of a view's table page by page, each as a list in the order of columns. list_views tells the tables.",
		rules: append(named("table"), limited(200, 50), between("offset", 0, 1e9)),
	}, s.readTable)
	add(s, tool{
		name: "query_views", title: "SQL over view tables",
		about: "Runs one SELECT over the view tables (SQLite's or PostgreSQL's SQL, as the program stores them) and changes nothing. At most 1,000 rows are read: use WHERE, aggregates, ORDER BY with LIMIT and OFFSET. In programs with personal data all values may be hidden; read_table then hides less.",
		rules: []rule{long("sql", 50_000), limited(200, 50), between("offset", 0, 1000)},
	}, s.queryViews)
}

type listViews struct {
	Limit  int `json:"limit,omitempty" jsonschema:"At most so many."`
	Offset int `json:"offset,omitempty" jsonschema:"Go on behind so many, as next of an earlier answer says."`
}

func (s *server) listViews(ctx context.Context, in listViews) (answer, error) {
	v, err := s.get(ctx, "views", nil)
	if err != nil {
		return answer{}, err
	}
	all, _ := v.([]any)
	a, err := sliced(all, in.Offset, or(in.Limit, 50), "views", nil)
	a.about = counted(len(all), "view", "views") + " of the program"
	return a, err
}

type listParkedEvents struct {
	View   string `json:"view" jsonschema:"The view, as list_views names it."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many, as next of an earlier answer says."`
}

func (s *server) listParkedEvents(ctx context.Context, in listParkedEvents) (answer, error) {
	v, err := s.get(ctx, "view/parked", values("name", in.View))
	if err != nil {
		return answer{}, err
	}
	all, _ := v.([]any)
	a, err := sliced(all, in.Offset, or(in.Limit, 20), "parked", nil)
	a.about = "Events that a view cannot take"
	if len(all) == mostParked {
		a.note("only the first %d are told: there may be more", mostParked)
	}
	return a, err
}

// mostParked is how many parked events a program tells of.
const mostParked = 50

type readTable struct {
	Table  string `json:"table" jsonschema:"The table, as list_views names it."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many rows."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many rows, as next of an earlier answer says."`
}

func (s *server) readTable(ctx context.Context, in readTable) (answer, error) {
	a, err := paged(or(in.Limit, 50), "rows", func(n int) (page, error) {
		v, err := s.get(ctx, "rows", values("table", in.Table, "offset", digits(in.Offset), "max", digits(n)))
		o := objectOf(v)
		p := page{items: o.list("rows"), rest: o.only("columns", "total", "hidden")}
		if o.get("more") == true {
			p.next = object{{"offset", in.Offset + len(p.items)}}
		}
		return p, err
	})
	a.about = "Rows of a view's table"
	return a, err
}

type queryViews struct {
	SQL    string `json:"sql" jsonschema:"One SELECT, such as SELECT count(*) FROM accounts."`
	Limit  int    `json:"limit,omitempty" jsonschema:"At most so many rows of the result."`
	Offset int    `json:"offset,omitempty" jsonschema:"Go on behind so many rows of the result, as next of an earlier answer says."`
}

func (s *server) queryViews(ctx context.Context, in queryViews) (answer, error) {
	v, err := s.post(ctx, "sql", map[string]string{"sql": in.SQL})
	if err != nil {
		return answer{}, err
	}
	o := objectOf(v)
	rows := o.list("rows")
	a, err := sliced(rows, in.Offset, or(in.Limit, 50), "rows", o.only("columns", "hidden"))
	a.about = fmt.Sprintf("The result of a query: %s", counted(len(rows), "row", "rows"))
	if o.get("more") == true {
		a.note("there are more rows than are read: add LIMIT and OFFSET to the SELECT")
	}
	return a, err
}
