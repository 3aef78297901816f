package api

import (
	"slices"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

// Map is how services hang together: what triggers actions, which commands they
// run, on which entities, and where the events go.
type Map struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is a definition, or what triggers actions from outside.
type Node struct {
	ID      string `json:"id"`   // kind and name, as in command:account.deposit
	Kind    string `json:"kind"` // trigger, action, command, entity, event, view, query or topic
	Name    string `json:"name"`
	Service string `json:"service,omitempty"`
	Place   string `json:"place,omitempty"`
	// Rates are those of actions, commands and queries.
	PerSecond       float64 `json:"perSecond"`
	FailedPerSecond float64 `json:"failedPerSecond"`
	Total           int64   `json:"total"`
	Failed          int64   `json:"failed"`
	Lag             int64   `json:"lag"`    // of views and of actions on events
	Parked          int     `json:"parked"` // entities
	// Reacts: an action on events.
	Reacts bool `json:"reacts,omitempty"`
}

// Edge leads from one node to another.
type Edge struct {
	From            string  `json:"from"`
	To              string  `json:"to"`
	PerSecond       float64 `json:"perSecond"`
	FailedPerSecond float64 `json:"failedPerSecond"`
	Lag             int64   `json:"lag"`
	// Learnt: seen at work since the start, and not declared.
	Learnt bool `json:"learnt,omitempty"`
}

// Map draws the map as it is now.
func (a *API) Map() Map {
	m := mapper{stats: map[statKey]*meter.Stat{}, lags: map[string]runtime.ActionLag{}, seen: map[string]bool{}}
	stats := a.meter.Stats()
	for i := range stats {
		m.stats[statKey{stats[i].Kind, stats[i].Name, stats[i].Caller}] = &stats[i]
	}
	for _, l := range a.rt.Lags() {
		m.lags[l.Action] = l
	}
	m.writing(&a.catalog, stats)
	m.reading(&a.catalog, a.rt.Views().Status())
	return m.Map
}

type statKey struct {
	kind         talix.Kind
	name, caller string
}

type mapper struct {
	Map
	stats map[statKey]*meter.Stat
	lags  map[string]runtime.ActionLag
	seen  map[string]bool // nodes
}

func (m *mapper) node(n Node) string {
	n.ID = n.Kind + ":" + n.Name
	if m.seen[n.ID] {
		return n.ID
	}
	m.seen[n.ID] = true
	if s := m.stats[statKey{talix.Kind(n.Kind), n.Name, meter.AnyCaller}]; s != nil {
		n.PerSecond, n.FailedPerSecond, n.Total, n.Failed = s.PerSecond, s.FailedPerSecond, s.Total, s.Failed
	}
	m.Nodes = append(m.Nodes, n)
	return n.ID
}

func (m *mapper) edge(e Edge) { m.Edges = append(m.Edges, e) }

func about(kind string, i runtime.Info) Node {
	return Node{Kind: kind, Name: i.Name, Service: i.Service, Place: i.Place}
}

// writing is what leads to events.
func (m *mapper) writing(c *runtime.Catalog, stats []meter.Stat) {
	for _, e := range c.Entities {
		from := m.node(about("entity", e.Info))
		for _, ev := range e.Events {
			m.edge(Edge{From: from, To: m.node(Node{Kind: "event", Name: ev.Type, Service: e.Service, Place: e.Place})})
		}
	}
	for _, d := range c.Commands {
		id := m.node(about("command", d.Info))
		e := Edge{From: id, To: "entity:" + d.Entity}
		e.rate(m.stats[statKey{talix.KindCommand, d.Name, meter.AnyCaller}])
		m.edge(e)
	}
	for _, d := range c.Actions {
		m.action(d)
	}
	for i := range stats {
		s := &stats[i]
		if s.Kind == talix.KindCommand && s.Caller != meter.AnyCaller && m.seen["action:"+s.Caller] && m.seen["command:"+s.Name] {
			e := Edge{From: "action:" + s.Caller, To: "command:" + s.Name, Learnt: true}
			e.rate(s)
			m.edge(e)
		}
	}
}

func (e *Edge) rate(s *meter.Stat) {
	if s != nil {
		e.PerSecond, e.FailedPerSecond = s.PerSecond, s.FailedPerSecond
	}
}

func (m *mapper) action(d runtime.ActionInfo) {
	if d.Trigger == "publish" {
		to := m.node(Node{Kind: "topic", Name: d.To, Service: d.Service, Place: d.Place, Reacts: true})
		m.fromEvents(d, to)
		return
	}
	n := about("action", d.Info)
	l := m.lags[d.Name]
	n.Lag, n.Parked, n.Reacts = l.Lag, l.Lanes, d.Trigger == "event"
	id := m.node(n)
	switch d.Trigger {
	case "event":
		m.fromEvents(d, id)
	case "workflow":
	case "http":
		m.fromTrigger(d, "HTTP", id)
	default:
		m.fromTrigger(d, d.Trigger+" "+strings.Join(d.On, " "), id)
	}
}

func (m *mapper) fromTrigger(d runtime.ActionInfo, trigger, to string) {
	e := Edge{From: m.node(Node{Kind: "trigger", Name: trigger}), To: to}
	e.rate(m.stats[statKey{talix.KindAction, d.Name, meter.AnyCaller}])
	m.edge(e)
}

func (m *mapper) fromEvents(d runtime.ActionInfo, to string) {
	for _, on := range d.On {
		e := Edge{From: "event:" + on, To: to, Lag: m.lags[d.Name].Lag}
		e.rate(m.stats[statKey{talix.KindAction, d.Name, meter.AnyCaller}])
		m.edge(e)
	}
}

// reading is what follows events: views, and queries over them.
func (m *mapper) reading(c *runtime.Catalog, status []runtime.ViewStatus) {
	writer := map[string]string{} // by table
	for _, v := range c.Views {
		n := about("view", v.Info)
		if i := slices.IndexFunc(status, func(s runtime.ViewStatus) bool { return s.Name == v.Name }); i >= 0 {
			n.Lag, n.Parked = status[i].Lag, status[i].Parked
		}
		id := m.node(n)
		for _, t := range v.Takes {
			m.edge(Edge{From: "event:" + t, To: id, Lag: n.Lag})
		}
		for _, t := range v.Tables {
			writer[t.Name] = id
		}
	}
	for _, q := range c.Queries {
		id := m.node(about("query", q.Info))
		var from []string
		for _, t := range q.Reads {
			if w := writer[t]; w != "" && !slices.Contains(from, w) {
				from = append(from, w)
				e := Edge{From: w, To: id}
				e.rate(m.stats[statKey{talix.KindQuery, q.Name, meter.AnyCaller}])
				m.edge(e)
			}
		}
	}
}
