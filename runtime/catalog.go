package runtime

import (
	"encoding/json"
	"reflect"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/table"
)

// Catalog is what a runtime hosts, for consoles and other tools. Everything is
// in the order of definition. Schemas are JSON Schemas of inputs; their
// references, such as #/components/schemas/Movement, name an entry of Schemas.
type Catalog struct {
	Services []string                   `json:"services,omitempty"`
	Entities []EntityInfo               `json:"entities,omitempty"`
	Commands []CommandInfo              `json:"commands,omitempty"`
	Actions  []ActionInfo               `json:"actions,omitempty"`
	Views    []ViewInfo                 `json:"views,omitempty"`
	Queries  []QueryInfo                `json:"queries,omitempty"`
	Schemas  map[string]json.RawMessage `json:"schemas,omitempty"`
	// Partitions is how many the store has.
	Partitions int `json:"partitions,omitempty"`
}

// Info is what all definitions have.
type Info struct {
	Name    string `json:"name"`
	Service string `json:"service"`
	Place   string `json:"place"` // where it is defined, as in account/account.go:12
}

// EntityInfo is an entity type.
type EntityInfo struct {
	Info               // its name is the entity type
	Events []EventInfo `json:"events,omitempty"`
}

// EventInfo is an event type.
type EventInfo struct {
	Type   string `json:"type,omitempty"`
	Schema int    `json:"schema,omitempty"`
}

// CommandInfo is a command.
type CommandInfo struct {
	Info                   // its name is unique in the runtime, as in account.deposit
	Entity string          `json:"entity,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`
}

// ActionInfo is an action with its trigger.
type ActionInfo struct {
	Info
	// Trigger is http, event, source, message, timer, schedule, workflow or
	// publish.
	Trigger string `json:"trigger,omitempty"`
	// On says which: a method and path, event types, a topic, a cron line, the
	// name of a timer or of an outside trigger.
	On []string `json:"on,omitempty"`
	// To is the topic of a publish.
	To string `json:"to,omitempty"`
	// Async: an HTTP action that answers before the work.
	Async bool `json:"async,omitempty"`
	// Input is that of a workflow, or nil.
	Input json.RawMessage `json:"input,omitempty"`
}

// ViewInfo is a view.
type ViewInfo struct {
	Info
	Tables []TableInfo `json:"tables,omitempty"`
	Takes  []string    `json:"takes,omitempty"` // event types
}

// TableInfo is a table of a view.
type TableInfo struct {
	Name    string       `json:"name"`
	Columns []ColumnInfo `json:"columns,omitempty"`
}

// ColumnInfo is a column of a table.
type ColumnInfo struct {
	Name string `json:"name"`
	Key  bool   `json:"key,omitempty"`
}

// QueryInfo is a query.
type QueryInfo struct {
	Info
	Method string          `json:"method,omitempty"` // empty: not exposed over HTTP
	Path   string          `json:"path,omitempty"`   // empty: not exposed over HTTP
	SQL    string          `json:"sql,omitempty"`    // empty: a function
	Reads  []string        `json:"reads,omitempty"`  // tables, of one in SQL
	Live   bool            `json:"live,omitempty"`
	Input  json.RawMessage `json:"input,omitempty"`
}

// Catalog tells what the runtime hosts.
func (r *Runtime) Catalog() Catalog {
	c := Catalog{Services: r.registry.Services, Partitions: r.tail.Partitions(), Schemas: map[string]json.RawMessage{}}
	for _, e := range r.registry.Entities {
		c.Entities = append(c.Entities, EntityInfo{Info: r.info(e, e.Type, e.Place), Events: eventsOf(e)})
	}
	for _, d := range r.registry.Commands {
		c.Commands = append(c.Commands, CommandInfo{r.info(d, d.FullName(), d.Place), d.Entity.Type, r.inputs[d]})
	}
	for _, a := range r.registry.Actions {
		c.Actions = append(c.Actions, r.actionInfo(a))
	}
	for _, v := range r.registry.Views {
		c.Views = append(c.Views, r.viewInfo(v))
	}
	for _, q := range r.registry.Queries {
		c.Queries = append(c.Queries, r.queryInfo(q))
	}
	for name, s := range r.schemas {
		c.Schemas[name] = s
	}
	return c
}

func (r *Runtime) info(definition any, name string, place registry.Place) Info {
	return Info{Name: name, Service: r.registry.Owner(definition), Place: string(place)}
}

func eventsOf(e *registry.Entity) []EventInfo {
	all := make([]EventInfo, len(e.Events))
	for i, ev := range e.Events {
		all[i] = EventInfo{ev.Type, ev.Schema}
	}
	return all
}

func (r *Runtime) actionInfo(a *registry.Action) ActionInfo {
	i := ActionInfo{Info: r.info(a, a.Name, a.Place)}
	switch {
	case a.HTTP != nil:
		i.Trigger, i.On, i.Async = "http", []string{a.HTTP.Method + " " + a.HTTP.Path}, a.HTTP.Async
	case a.Topic != nil:
		i.Trigger, i.On, i.To = "publish", r.triggering(a.Event), a.Topic.Name
	case a.Event != nil:
		i.Trigger, i.On = "event", r.triggering(a.Event)
	case a.Source != nil:
		i.Trigger, i.On = "source", []string{a.Source.Name}
	case a.Queue != nil:
		i.Trigger, i.On = "message", []string{a.Queue.Topic}
	case a.Timer != nil:
		i.Trigger, i.On = "timer", []string{a.Timer.Name}
	case a.Schedule != nil:
		i.Trigger, i.On = "schedule", []string{a.Schedule.Cron}
	case a.Workflow != nil:
		i.Trigger, i.On, i.Input = "workflow", []string{a.Workflow.Name}, r.inputs[a]
	}
	return i
}

// triggering are the event types that trigger an action.
func (r *Runtime) triggering(t *registry.EventTrigger) []string {
	if t.Go != nil {
		return []string{r.eventType(t.Go)}
	}
	var all []string
	for _, e := range t.Entity.Events {
		all = append(all, e.Type)
	}
	return all
}

func (r *Runtime) eventType(t reflect.Type) string {
	if _, e := r.registry.Event(t); e != nil {
		return e.Type
	}
	return t.String()
}

func (r *Runtime) viewInfo(v *registry.View) ViewInfo {
	i := ViewInfo{Info: r.info(v, v.Name, v.Place)}
	for _, t := range v.Tables {
		i.Tables = append(i.Tables, r.tableInfo(t.Name))
	}
	for _, w := range v.Takes {
		i.Takes = append(i.Takes, r.eventType(w.Go))
	}
	return i
}

func (r *Runtime) tableInfo(name string) TableInfo {
	i := TableInfo{Name: name}
	if s := r.tableSchema(name); s != nil {
		for _, c := range s.Columns {
			i.Columns = append(i.Columns, ColumnInfo{c.Name, c.Key})
		}
	}
	return i
}

func (r *Runtime) tableSchema(name string) *table.Schema {
	if r.projector == nil {
		return nil
	}
	for _, s := range r.projector.Schemas() {
		if s.Name == name {
			return &s
		}
	}
	return nil
}

func (r *Runtime) queryInfo(q *registry.Query) QueryInfo {
	i := QueryInfo{Info: r.info(q, q.Name, q.Place), Input: r.inputs[q]}
	if q.HTTP != nil {
		i.Method, i.Path = q.HTTP.Method, q.HTTP.Path
	}
	if q.SQL != nil {
		i.SQL, i.Live = q.SQL.Text, q.SQL.Live
	}
	if compiled := r.queries[q]; compiled != nil {
		i.Reads = compiled.Tables()
	}
	return i
}

// describeInputs writes the schemas of what people can type in by hand. It is
// done before the first check, as a set's schemas change while it compiles.
// What cannot be described is taken without a schema.
func (r *Runtime) describeInputs(set *schema.Set) {
	r.inputs, r.schemas = map[any]json.RawMessage{}, map[string]json.RawMessage{}
	for _, c := range r.registry.Commands {
		r.describeInput(set, c, c.In, c.FullName())
	}
	for _, a := range r.registry.Actions {
		if a.Workflow != nil {
			r.describeInput(set, a, a.Workflow.In, a.Name)
		}
	}
	for _, q := range r.registry.Queries {
		if q.HTTP == nil {
			r.describeInput(set, q, q.In, q.Name)
		}
	}
	for name, s := range set.Schemas() {
		if data, err := json.Marshal(s); err == nil {
			r.schemas[name] = data
		}
	}
}

func (r *Runtime) describeInput(set *schema.Set, definition any, t reflect.Type, name string) {
	s, err := set.Schema(t, name)
	if err != nil {
		return
	}
	if data, err := json.Marshal(s); err == nil {
		r.inputs[definition] = data
	}
}
