package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/table"
)

// View is a view with how far it is.
type View struct {
	Name    string   `json:"name"`
	Service string   `json:"service"`
	Place   string   `json:"place"`
	Tables  []Table  `json:"tables"`
	Takes   []string `json:"takes"`
	Lag     int64    `json:"lag"` // positions of the log that it has not taken
	Parked  int      `json:"parked"`
	Fault   string   `json:"fault,omitempty"` // why it does not go on
	Stopped bool     `json:"stopped,omitempty"`
	Rebuild *Rebuild `json:"rebuild,omitempty"`
}

// Table is a table of a view.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
}

// Rebuild is how far new tables are that are to take the place of the present
// ones.
type Rebuild struct {
	First       bool    `json:"first,omitempty"`
	Done        int64   `json:"done"`
	Total       int64   `json:"total"`
	PerSecond   float64 `json:"perSecond"`
	LeftSeconds float64 `json:"leftSeconds"`
	Fault       string  `json:"fault,omitempty"`
	// Waits are the nodes that have an older definition, and have to end before
	// the new tables take their place.
	Waits []string `json:"waits,omitempty"`
}

// Rows are rows of a table or of a query. Values are numbers, texts and nulls.
type Rows struct {
	Columns []string `json:"columns"`
	Rows    [][]any  `json:"rows"`
	More    bool     `json:"more,omitempty"`
	Total   int64    `json:"total,omitempty"` // of a table
	// Personal tells that there may be personal values, and Hidden that
	// runtime.Hidden stands in the place of all that may be.
	Personal bool `json:"personal,omitempty"`
	Hidden   bool `json:"hidden,omitempty"`
}

// ParkedEvent is an event that a view can't take.
type ParkedEvent struct {
	View       string          `json:"view"`
	EntityType string          `json:"entityType"`
	EntityID   string          `json:"entityId"`
	Version    int64           `json:"version"`
	Type       string          `json:"type"`
	Error      string          `json:"error"`
	Attempts   int64           `json:"attempts"`
	Since      time.Time       `json:"since"`
	Behind     int64           `json:"behind"`
	Payload    json.RawMessage `json:"payload"`
}

// Difference is a row of a view that is not what the log makes of it.
type Difference struct {
	Table     string   `json:"table"`
	Columns   []string `json:"columns"`
	View      []any    `json:"view,omitempty"`
	Log       []any    `json:"log,omitempty"`
	Differing []string `json:"differing"`
}

// Bounds of one answer.
const (
	MaxRows        = 200
	MaxSQLRows     = 1000
	MaxDifferences = 100
	MaxParked      = 50
)

// verifyWithin bounds how long a comparison may take.
const verifyWithin = 5 * time.Minute

func (a *API) viewStatus() []View {
	status := a.rt.Views().Status()
	all := make([]View, 0, len(a.catalog.Views))
	for _, v := range a.catalog.Views {
		out := View{Name: v.Name, Service: v.Service, Place: v.Place, Takes: v.Takes}
		for _, t := range v.Tables {
			out.Tables = append(out.Tables, tableOf(t))
		}
		if i := slices.IndexFunc(status, func(s runtime.ViewStatus) bool { return s.Name == v.Name }); i >= 0 {
			out.stand(&status[i])
		}
		all = append(all, out)
	}
	return all
}

func tableOf(t runtime.TableInfo) Table {
	out := Table{Name: t.Name}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, c.Name)
	}
	return out
}

func (v *View) stand(s *runtime.ViewStatus) {
	v.Lag, v.Parked, v.Stopped = s.Lag, s.Parked, s.Stopped
	if s.Fault != nil {
		v.Fault = s.Fault.Error()
	}
	if r := s.Rebuild; r != nil {
		v.Rebuild = &Rebuild{First: r.First, Done: r.Done, Total: r.Total, PerSecond: r.Rate, LeftSeconds: r.Left.Seconds(), Waits: r.Waits}
		if r.Fault != nil {
			v.Rebuild.Fault = r.Fault.Error()
		}
	}
}

// Views are all views with how far they are.
func (a *API) Views() []View { return a.viewStatus() }

// View is one view.
func (a *API) View(name string) (View, error) {
	for _, v := range a.viewStatus() {
		if v.Name == name {
			return v, nil
		}
	}
	return View{}, talix.NotFound("no service has the view %q", name)
}

// Rows are up to MaxRows rows of a view's table, after as many as offset says.
func (a *API) Rows(ctx context.Context, name string, offset, most int) (Rows, error) {
	rows, err := a.rt.Views().Rows(ctx, name, max(offset, 0), min(max(most, 1), MaxRows))
	if err != nil {
		return Rows{}, err
	}
	out := rowsOf(rows)
	a.coverRows(ctx, name, &out)
	out.Total, err = a.rt.Views().Count(ctx, name)
	return out, err
}

// SQL runs one SELECT over the view tables, for up to MaxSQLRows rows.
func (a *API) SQL(ctx context.Context, text string) (Rows, error) {
	rows, err := a.rt.Views().SQL(ctx, text, MaxSQLRows)
	out := rowsOf(rows)
	a.coverAll(ctx, &out)
	return out, err
}

func rowsOf(rows runtime.Rows) Rows {
	out := Rows{Columns: rows.Columns, More: rows.More, Rows: [][]any{}}
	for _, row := range rows.Rows {
		out.Rows = append(out.Rows, valuesOf(row))
	}
	return out
}

// maxValue bounds what is shown of one value, in bytes.
const maxValue = 16 << 10

func valuesOf(row []table.Value) []any {
	if row == nil {
		return nil
	}
	out := make([]any, len(row))
	for i, v := range row {
		switch v.Kind() {
		case table.Int:
			out[i] = json.Number(strconv.FormatInt(v.Int(), 10))
		case table.Float:
			out[i] = v.Float()
		case table.Text:
			out[i] = v.Text()[:min(len(v.Text()), maxValue)]
		case table.Blob:
			out[i] = fmt.Sprintf("%x", v.Text()[:min(len(v.Text()), maxValue/2)])
		}
	}
	return out
}

// ParkedEvents are the first events that a view can't take.
func (a *API) ParkedEvents(ctx context.Context, view string) ([]ParkedEvent, error) {
	found, err := a.rt.Views().Parked(ctx, view, runtime.ParkedEvent{}, MaxParked)
	var all []ParkedEvent
	for i := range found {
		p := &found[i]
		all = append(all, ParkedEvent{
			View: p.View, EntityType: p.EntityType, EntityID: p.EntityID, Version: p.Version, Type: p.EventType,
			Error: p.Error, Attempts: p.Attempts, Since: p.Since, Behind: p.Behind, Payload: a.coverEvent(ctx, p.EventType, document(p.Payload)),
		})
	}
	return all, err
}

// RebuildView makes the tables of a view anew from the log.
func (a *API) RebuildView(ctx context.Context, view string) error {
	return a.change(ctx, "rebuild view", view, func() error { return a.rt.Views().Rebuild(ctx, view) })
}

// RetryParked takes the parked events of an entity again.
func (a *API) RetryParked(ctx context.Context, view, entityType, id string) error {
	defer a.recount()
	return a.change(ctx, "retry parked event of view", view+" "+entityType+"/"+id, func() error {
		return a.rt.Views().Retry(ctx, view, entityType, id)
	})
}

// SkipParked passes over the parked event of an entity for good.
func (a *API) SkipParked(ctx context.Context, view, entityType, id string) error {
	defer a.recount()
	return a.change(ctx, "skip parked event of view", view+" "+entityType+"/"+id, func() error {
		return a.rt.Views().Skip(ctx, view, entityType, id)
	})
}

// VerifyView compares a view with the log, and gives the first differences.
func (a *API) VerifyView(ctx context.Context, view string) (all []Difference, err error) {
	ctx, cancel := context.WithTimeout(ctx, verifyWithin)
	defer cancel()
	err = a.change(ctx, "verify view", view, func() error {
		for d, err := range a.rt.Views().Verify(ctx, view) {
			if err != nil {
				return err
			}
			all = append(all, a.differenceOf(ctx, view, &d))
			if len(all) == MaxDifferences {
				break
			}
		}
		return nil
	})
	return all, err
}

// differenceOf hides the values of a view that may have personal ones.
func (a *API) differenceOf(ctx context.Context, view string, d *runtime.Difference) Difference {
	out := Difference{Table: d.Table, Columns: d.Columns, View: valuesOf(d.View), Log: valuesOf(d.Log), Differing: d.Differing()}
	if a.hides(ctx) && slices.Contains(a.rt.Personal().Views(), view) {
		hideValues(out.View)
		hideValues(out.Log)
	}
	return out
}
