package registry

import "slices"

// AddEntity adds an entity, once.
func (r *Registry) AddEntity(e *Entity) {
	if slices.Contains(r.Entities, e) {
		return
	}
	r.owner[e] = r.service
	r.collect(e.Place, e.Faults)
	for _, o := range r.Entities {
		if o.Type == e.Type {
			r.Fault(e.Place, "entity type %q is also defined at %s: rename one", e.Type, o.Place)
		}
		for _, ev := range e.Events {
			if o.ByGo[ev.Go] != nil {
				r.Fault(e.Place, "Go type %s is an event of the entities %q and %q: give each entity event types of its own", ev.Go, o.Type, e.Type)
			}
			if o.ByName[ev.Type] != nil {
				r.Fault(e.Place, "event type %q stands in the entities %q and %q: rename one", ev.Type, o.Type, e.Type)
			}
		}
	}
	r.Entities = append(r.Entities, e)
}

// AddCommand adds a command.
func (r *Registry) AddCommand(c *Command) {
	r.owner[c] = r.service
	r.collect(c.Place, c.Faults)
	for _, o := range r.Commands {
		if o.FullName() == c.FullName() {
			r.Fault(c.Place, "command %q of entity %q is also defined at %s: rename one", c.Name, c.Entity.Type, o.Place)
		}
	}
	r.Commands = append(r.Commands, c)
}

// AddAction adds an action.
func (r *Registry) AddAction(a *Action) {
	r.owner[a] = r.service
	r.collect(a.Place, a.Faults)
	for _, o := range r.Actions {
		if o.Name == a.Name {
			r.Fault(a.Place, "action %q is also defined at %s: rename one", a.Name, o.Place)
		}
	}
	r.Actions = append(r.Actions, a)
}

// AddTable adds a view table.
func (r *Registry) AddTable(t *Table) {
	r.owner[t] = r.service
	r.collect(t.Place, t.Faults)
	for _, o := range r.Tables {
		if o.Name == t.Name {
			r.Fault(t.Place, "table %q is also defined at %s: rename one", t.Name, o.Place)
		}
	}
	r.Tables = append(r.Tables, t)
}

// AddQuery adds a query.
func (r *Registry) AddQuery(q *Query) {
	r.owner[q] = r.service
	r.collect(q.Place, q.Faults)
	for _, o := range r.Queries {
		if o.Name == q.Name {
			r.Fault(q.Place, "query %q is also defined at %s: rename one", q.Name, o.Place)
		}
	}
	r.Queries = append(r.Queries, q)
}

func (r *Registry) collect(place Place, faults []error) {
	for _, err := range faults {
		r.Fault(place, "%w", err)
	}
}

// Check notes the faults that can only be seen once everything was added.
func (r *Registry) Check() {
	for _, c := range r.Commands {
		if !slices.Contains(r.Entities, c.Entity) {
			r.Fault(c.Place, "command %q: its entity %q is in no service: add it to Components", c.Name, c.Entity.Type)
		}
	}
	for _, a := range r.Actions {
		if a.Event == nil {
			continue
		}
		if _, ev := r.Event(a.Event.Go); ev == nil {
			r.Fault(a.Place, "action %q: %s is an event of no entity here: add talix.Event[%s] to its entity, and the entity to a service", a.Name, a.Event.Go, a.Event.Go.Name())
		}
	}
	for _, t := range r.Tables {
		for _, w := range t.Whens {
			if _, ev := r.Event(w.Go); ev == nil {
				r.Fault(t.Place, "table %q: %s is an event of no entity here: add talix.Event[%s] to its entity, and the entity to a service", t.Name, w.Go, w.Go.Name())
			}
		}
	}
	for _, n := range r.Needs {
		if _, ok := r.Provided[n.Type]; !ok {
			r.Fault(n.Place, "service %q needs %s, which no one provides: add talix.Provide[%s](…)", n.Service, n.Type, n.Type)
		}
	}
}
