package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/talix-dev/talix/console/api"
)

// flowList is the page of the newest flows.
type flowList struct {
	api.Flows
	Failed bool
}

func (c *Console) flows(r *http.Request) (view, error) {
	failed := r.URL.Query().Get("failed") != ""
	return view{page: "flows", title: "Flow", tab: "/flows", Data: flowList{c.api.Flows(failed), failed}}, nil
}

// flowPage is one flow.
type flowPage struct {
	api.Flow
	Rows []flowRow
}

// flowRow is a step with its bar on the time line, in thousandths.
type flowRow struct {
	api.FlowStep
	X, W float64
	Path string // of the page about it
	// Because is its failure, if that is not the one told of last: attempts and
	// what they are made of often fail alike.
	Because string
}

// leastBar is how wide a bar is at least, in thousandths.
const leastBar = 4

func (c *Console) flow(r *http.Request) (view, error) {
	f, err := c.api.Flow(r.Context(), strings.TrimSpace(r.URL.Query().Get("id")))
	p := flowPage{Flow: f}
	told := ""
	for _, s := range f.Steps {
		row := flowRow{FlowStep: s, Path: pathOf(s)}
		if s.Error != "" && s.Error != told {
			row.Because, told = s.Error, s.Error
		}
		row.X, row.W = f.At(s)
		row.W = max(row.W, leastBar)
		row.X = max(min(row.X, 1000-row.W), 0)
		p.Rows = append(p.Rows, row)
	}
	return view{page: "flow", title: "Flow", tab: "/flows", Data: p}, err
}

func pathOf(s api.FlowStep) string {
	switch s.Kind {
	case "event":
		return string(link("/entity", "type", s.Entity, "id", s.EntityID, "v", s.Version))
	case "command":
		return string(link("/entity", "type", s.Entity, "id", s.EntityID))
	case "work":
		return "/work/item?id=" + url.QueryEscape(s.WorkID)
	}
	return ""
}
