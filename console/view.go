package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

func (c *Console) views(*http.Request) (view, error) {
	return view{page: "views", title: "Views", tab: "/views", Data: c.api.Views()}, nil
}

// viewPage is the page of a view: one of its tables, page by page.
type viewPage struct {
	api.View
	Table      string
	Rows       api.Rows
	Offset     int
	Prev, Next int // offsets; below zero: there is none
	Last       int // number of the last row shown
	Stuck      []api.ParkedEvent
	Verified   *verified
	Subject    string // what is revealed of the rows
	ViewShown  string // and of the parked events and differences
}

// verified is what came of a comparison.
type verified struct {
	Differences []api.Difference
	Took        time.Duration
}

const shownRows = 50

func (c *Console) view(r *http.Request) (view, error) {
	p, err := c.viewPage(r, r.URL.Query().Get("name"))
	return view{page: "view", title: "View " + p.Name, tab: "/views", Data: p}, err
}

func (c *Console) viewPage(r *http.Request, name string) (p viewPage, err error) {
	if p.View, err = c.api.View(name); err != nil {
		return p, err
	}
	q := r.URL.Query()
	p.Table = q.Get("table")
	if p.Table == "" && len(p.Tables) > 0 {
		p.Table = p.Tables[0].Name
	}
	if text := q.Get("offset"); text != "" {
		if p.Offset, err = strconv.Atoi(text); err != nil || p.Offset < 0 {
			return p, talix.Invalid("query.offset", "is no number from zero on")
		}
	}
	p.Subject, p.ViewShown = "table "+p.Table, "view "+name
	if p.Rows, err = c.api.Rows(c.seeing(r, p.Subject), p.Table, p.Offset, shownRows); err != nil {
		return p, err
	}
	p.Prev, p.Next, p.Last = p.Offset-shownRows, -1, p.Offset+len(p.Rows.Rows)
	if p.Offset > 0 {
		p.Prev = max(p.Prev, 0)
	}
	if p.Rows.More {
		p.Next = p.Offset + shownRows
	}
	if p.Parked > 0 {
		p.Stuck, err = c.api.ParkedEvents(c.seeing(r, p.ViewShown), name)
	}
	return p, err
}

// verify compares a view with the log, and shows what differs.
func (c *Console) verify(w http.ResponseWriter, r *http.Request) {
	c.show(w, r, func(r *http.Request) (view, error) {
		name, started := r.PostForm.Get("name"), c.now()
		found, err := c.api.VerifyView(c.seeing(r, "view "+name), name)
		if err != nil {
			return view{}, err
		}
		p, err := c.viewPage(r, name)
		p.Verified = &verified{found, c.now().Sub(started)}
		return view{page: "view", title: "View " + p.Name, tab: "/views", Data: p}, err
	})
}

// sqlPage is a query that a person wrote, and its rows.
type sqlPage struct {
	Text   string
	Tables []api.Table
	Rows   *api.Rows
	Took   time.Duration
	Fault  string
	// Subject is what is revealed.
	Subject string
}

func (c *Console) sql(r *http.Request) (view, error) {
	p := sqlPage{Text: strings.TrimSpace(r.URL.Query().Get("q"))}
	p.Subject = "sql " + p.Text
	for _, v := range c.api.Views() {
		p.Tables = append(p.Tables, v.Tables...)
	}
	v := view{page: "sql", title: "SQL", tab: "/views", Data: &p}
	if p.Text == "" {
		return v, nil
	}
	started := c.now()
	rows, err := c.api.SQL(c.seeing(r, p.Subject), p.Text)
	p.Rows, p.Took = &rows, c.now().Sub(started)
	if err != nil {
		p.Rows, p.Fault = nil, problemText(err)
	}
	return v, nil
}

// problemText says in a line what is wrong.
func problemText(err error) string {
	p := api.ProblemOf(err)
	if len(p.Errors) == 0 {
		return p.Detail
	}
	var parts []string
	for _, e := range p.Errors {
		parts = append(parts, fmt.Sprintf("%s: %s", e.Location, e.Message))
	}
	return strings.Join(parts, "; ")
}
