package registry

import (
	"maps"
	"slices"
	"strconv"
)

// definition is what all definitions tell of themselves.
type definition interface {
	comparable
	// about is how errors call it, as in `command "create"`.
	about() (string, Place, []error)
}

// add adds a definition of a name that no other one of its kind has.
func add[D definition](r *Registry, all *[]D, d D) {
	what, place, faults := d.about()
	r.owner[d] = r.service
	for _, err := range faults {
		r.Fault(place, "%w", err)
	}
	for _, o := range *all {
		if other, there, _ := o.about(); other == what {
			r.Fault(place, "%s is also defined at %s: rename one", what, there)
		}
	}
	*all = append(*all, d)
}

func (e *Entity) about() (string, Place, []error) {
	return quoted("entity type", e.Type), e.Place, e.Faults
}

func (c *Command) about() (string, Place, []error) {
	return quoted("command", c.Name) + " of " + quoted("entity", c.Entity.Type), c.Place, c.Faults
}

func (u *Unique) about() (string, Place, []error) { return quoted("unique", u.Name), u.Place, u.Faults }

func (a *Action) about() (string, Place, []error) { return quoted("action", a.Name), a.Place, a.Faults }

func (t *Table) about() (string, Place, []error) { return quoted("table", t.Name), t.Place, t.Faults }

func (v *View) about() (string, Place, []error) { return quoted("view", v.Name), v.Place, v.Faults }

func (q *Query) about() (string, Place, []error) { return quoted("query", q.Name), q.Place, q.Faults }

func quoted(kind, name string) string { return kind + " " + strconv.Quote(name) }

// AddEntity adds an entity, once.
func (r *Registry) AddEntity(e *Entity) {
	if slices.Contains(r.Entities, e) {
		return
	}
	for _, o := range r.Entities {
		for _, ev := range e.Events {
			if o.ByGo[ev.Go] != nil {
				r.Fault(e.Place, "Go type %s is an event of the entities %q and %q: give each entity event types of its own", ev.Go, o.Type, e.Type)
			}
		}
		for _, name := range e.Names() {
			if o.Knows(name) {
				r.Fault(e.Place, "event type %q stands in the entities %q and %q: rename one", name, o.Type, e.Type)
			}
		}
	}
	add(r, &r.Entities, e)
}

// Names are those of all its events, past ones too, in order.
func (e *Entity) Names() []string {
	names := slices.Collect(maps.Keys(e.Past))
	for name := range e.ByName {
		if e.Past[name] == nil {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// AddCommand adds a command.
func (r *Registry) AddCommand(c *Command) { add(r, &r.Commands, c) }

// AddUnique adds a set of unique values, once.
func (r *Registry) AddUnique(u *Unique) {
	if !slices.Contains(r.Uniques, u) {
		add(r, &r.Uniques, u)
	}
}

// AddAction adds an action.
func (r *Registry) AddAction(a *Action) { add(r, &r.Actions, a) }

// AddTable adds a view table, once.
func (r *Registry) AddTable(t *Table) {
	if !slices.Contains(r.Tables, t) {
		add(r, &r.Tables, t)
	}
}

// AddView adds a view with its tables.
func (r *Registry) AddView(v *View) {
	add(r, &r.Views, v)
	for _, t := range v.Tables {
		r.AddTable(t)
	}
}

// Writer is the view that fills a table, or nil.
func (r *Registry) Writer(t *Table) *View {
	for _, v := range r.Views {
		if slices.Contains(v.Tables, t) {
			return v
		}
	}
	return nil
}

// AddQuery adds a query.
func (r *Registry) AddQuery(q *Query) { add(r, &r.Queries, q) }

// Check notes the faults that can only be seen once everything was added.
func (r *Registry) Check() {
	for _, c := range r.Commands {
		if !slices.Contains(r.Entities, c.Entity) {
			r.Fault(c.Place, "command %q: its entity %q is in no service: add it to Components", c.Name, c.Entity.Type)
		}
	}
	for _, a := range r.Actions {
		if a.Event == nil || a.Event.Go == nil {
			continue
		}
		if _, ev := r.Event(a.Event.Go); ev == nil {
			r.Fault(a.Place, "action %q: %s is an event of no entity here: add talix.Event[%s] to its entity, and the entity to a service", a.Name, a.Event.Go, a.Event.Go.Name())
		}
	}
	r.checkViews()
	for _, n := range r.Needs {
		if _, ok := r.Provided[n.Type]; !ok {
			r.Fault(n.Place, "service %q needs %s, which no one provides: add talix.Provide[%s](…)", n.Service, n.Type, n.Type)
		}
	}
}

func (r *Registry) checkViews() {
	writers := map[*Table]*View{}
	for _, v := range r.Views {
		for _, w := range v.Takes {
			if _, ev := r.Event(w.Go); ev == nil {
				r.Fault(v.Place, "view %q: %s is an event of no entity here: add talix.Event[%s] to its entity, and the entity to a service", v.Name, w.Go, w.Go.Name())
			}
		}
		for _, t := range v.Tables {
			if other := writers[t]; other != nil {
				r.Fault(v.Place, "table %q is written by the views %q and %q: give each a table of its own", t.Name, other.Name, v.Name)
			}
			writers[t] = v
		}
	}
	for _, t := range r.Tables {
		if writers[t] == nil {
			r.Fault(t.Place, "table %q takes no events: give it projections made by When, or add the view that fills it to a service", t.Name)
		}
	}
}
