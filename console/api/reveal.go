package api

import (
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// Personal values are hidden: runtime.Hidden stands in their place, unless they
// are revealed to who calls, which is logged as a change is.

type revealKey struct{}

// Revealing lets calls with the context show what is personal. That it was
// revealed is logged by who asks Reveal.
func Revealing(ctx context.Context) context.Context {
	return context.WithValue(ctx, revealKey{}, true)
}

// Reveal is Revealing, and logs who wanted to see what.
func (a *API) Reveal(ctx context.Context, subject string) context.Context {
	a.audit(ctx, "reveal personal data", subject, slog.String("outcome", "done"))
	return Revealing(ctx)
}

// Personal tells whether the runtime hosts anything that is personal.
func (a *API) Personal() bool { return a.rt.Personal().Tagged() }

// hides tells whether what is personal is hidden from who calls.
func (a *API) hides(ctx context.Context) bool {
	return a.Personal() && ctx.Value(revealKey{}) == nil
}

// coverMoments hides what is personal in an entity's moments, and tells what it
// hid, or would have, and what was erased.
func (a *API) coverMoments(ctx context.Context, moments []runtime.Moment) ([]runtime.Moment, []runtime.Covered, error) {
	covered := slices.Clone(moments)
	covers, err := a.rt.Personal().Cover(ctx, covered)
	if err != nil || !a.hides(ctx) {
		return moments, covers, err
	}
	return covered, covers, nil
}

// cover hides a document of which it is not known what in it is personal.
func (a *API) cover(ctx context.Context, data json.RawMessage) json.RawMessage {
	if len(data) == 0 || !a.hides(ctx) {
		return data
	}
	return runtime.CoverJSON(data)
}

// coverText is cover for a text, which need not be JSON.
func (a *API) coverText(ctx context.Context, text string) string {
	return string(a.cover(ctx, json.RawMessage(text)))
}

// coverEvent hides all values of an event that may have personal ones.
func (a *API) coverEvent(ctx context.Context, eventType string, data json.RawMessage) json.RawMessage {
	if !a.hides(ctx) {
		return data
	}
	return a.rt.Personal().CoverEvent(eventType, data)
}

// coverRows hides the values of a table that may have personal ones, but for
// those of its key.
func (a *API) coverRows(ctx context.Context, table string, rows *Rows) {
	v, t := a.tableNamed(table)
	if v == nil || !slices.Contains(a.rt.Personal().Views(), v.Name) {
		return
	}
	rows.Personal = true
	if !a.hides(ctx) {
		return
	}
	keys := map[string]bool{}
	for _, c := range t.Columns {
		keys[c.Name] = c.Key
	}
	for _, row := range rows.Rows {
		for i := range row {
			if i < len(rows.Columns) && !keys[rows.Columns[i]] {
				row[i] = hiddenValue(row[i])
			}
		}
	}
	rows.Hidden = true
}

func (a *API) tableNamed(name string) (*runtime.ViewInfo, *runtime.TableInfo) {
	for i := range a.catalog.Views {
		v := &a.catalog.Views[i]
		for j := range v.Tables {
			if v.Tables[j].Name == name {
				return v, &v.Tables[j]
			}
		}
	}
	return nil, nil
}

// coverAll hides all values of rows that may be of any table.
func (a *API) coverAll(ctx context.Context, rows *Rows) {
	if len(a.rt.Personal().Views()) == 0 {
		return
	}
	rows.Personal = true
	if !a.hides(ctx) {
		return
	}
	for _, row := range rows.Rows {
		hideValues(row)
	}
	rows.Hidden = true
}

func hideValues(row []any) {
	for i := range row {
		row[i] = hiddenValue(row[i])
	}
}

func hiddenValue(v any) any {
	if v == nil {
		return nil
	}
	return runtime.Hidden
}

// The bodies of requests that reveal.
type (
	entityPart struct {
		Type  string `json:"type"`
		ID    string `json:"id"`
		First int64  `json:"first,omitempty"`
		Last  int64  `json:"last,omitempty"`

		Time    time.Time `json:"time,omitzero"`     // of a state, instead of Last
		Reverse bool      `json:"reverse,omitempty"` // of events
		Max     int       `json:"max,omitempty"`     // of events
	}
	tablePart struct {
		Table  string `json:"table"`
		Offset int    `json:"offset,omitempty"`
		Max    int    `json:"max,omitempty"`
	}
)

// revealers answer as those that read do, with what is personal.
func (a *API) revealers(mux *router) {
	post(mux, "reveal/entity", func(ctx context.Context, in entityPart) (Entity, error) {
		return a.Entity(a.Reveal(ctx, in.Type+" "+in.ID), in.Type, in.ID, in.First, in.Last)
	})
	post(mux, "reveal/state", func(ctx context.Context, in entityPart) (State, error) {
		return a.State(a.Reveal(ctx, in.Type+" "+in.ID), in.Type, in.ID, talix.AsOf{Version: in.Last, Time: in.Time})
	})
	post(mux, "reveal/events", func(ctx context.Context, in entityPart) (EventPage, error) {
		return a.Events(a.Reveal(ctx, in.Type+" "+in.ID), in.Type, in.ID, EventQuery{in.First, in.Last, in.Reverse, min(in.Max, 1000)})
	})
	post(mux, "reveal/work", func(ctx context.Context, in byID) (WorkDetail, error) {
		return a.WorkDetail(a.Reveal(ctx, "work "+in.ID), in.ID)
	})
	post(mux, "reveal/rows", func(ctx context.Context, in tablePart) (Rows, error) {
		return a.Rows(a.Reveal(ctx, "table "+in.Table), in.Table, in.Offset, in.Max)
	})
	post(mux, "reveal/parked", func(ctx context.Context, in byName) ([]ParkedEvent, error) {
		return a.ParkedEvents(a.Reveal(ctx, "view "+in.Name), in.Name)
	})
	post(mux, "reveal/sql", func(ctx context.Context, in sqlText) (Rows, error) {
		return a.SQL(a.Reveal(ctx, "sql "+in.SQL), in.SQL)
	})
}
