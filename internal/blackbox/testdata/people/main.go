// People is the program that the tests of personal data kill and move: people of
// whom something personal is kept in every way, and tallies of what was done for
// them.
package main

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/standalone"
)

// Person and Tally are the states of the entities.
type (
	Person struct {
		Email, Last string
		Notes       int64
	}
	Tally struct{ Done int64 }
)

// Joined says how someone is reached.
type Joined struct {
	Email string `json:"email" personal:"true"`
}

// Apply takes the address.
func (e Joined) Apply(p *Person, _ talix.Meta) { p.Email = e.Email }

// Noted says something of someone.
type Noted struct {
	Text string `json:"text" personal:"true"`
}

// Apply takes the text.
func (e Noted) Apply(p *Person, _ talix.Meta) { p.Last, p.Notes = e.Text, p.Notes+1 }

// Moved says nothing that is personal.
type Moved struct {
	To int64 `json:"to"`
}

// Apply counts nothing.
func (Moved) Apply(*Person, talix.Meta) {}

// Done says that something was done for someone.
type Done struct {
	What string `json:"what"`
}

// Apply counts it.
func (Done) Apply(t *Tally, _ talix.Meta) { t.Done++ }

// What is defined for both.
var (
	People  = talix.NewEntity("person", talix.Event[Joined]("PEOPLE:JOINED"), talix.Event[Noted]("PEOPLE:NOTED"), talix.Event[Moved]("PEOPLE:MOVED")).SnapshotEvery(3)
	Tallies = talix.NewEntity("tally", talix.Event[Done]("TALLIES:DONE"))
	Emails  = talix.NewUnique("emails", strings.ToLower).Personal()
	Remind  = talix.NewTimer[Noted]("remind")
	Go      = talix.NewSignal[string]("go")
	steps   atomic.Int64
	mirrors atomic.Int64
)

// Joining is how someone joins.
type Joining struct {
	Email  string `json:"email" personal:"true"`
	Moves  int    `json:"moves,omitempty" doc:"How often they move at once."`
	Remind int    `json:"remind,omitempty" doc:"When to remind them, in milliseconds; zero: never."`
}

// Reply is what is remembered of a command.
type Reply struct {
	Text    string `json:"text" personal:"true"`
	Version int64  `json:"version"`
}

// The commands.
var (
	Join = talix.NewCommand(People, "join", func(c talix.CommandContext[Person], in Joining) (Reply, error) {
		if err := Emails.Reserve(c, in.Email); err != nil {
			return Reply{}, err
		}
		c.Emit(Joined{in.Email})
		for range in.Moves {
			c.Emit(Moved{c.Version()})
		}
		if in.Remind > 0 {
			talix.Schedule(c, Remind, "", c.Time().Add(time.Duration(in.Remind)*time.Millisecond), Noted{in.Email})
		}
		return Reply{in.Email, c.Version()}, nil
	})
	Note = talix.NewCommand(People, "note", func(c talix.CommandContext[Person], in Noted) (Reply, error) {
		c.Emit(in)
		return Reply{in.Text, c.Version()}, nil
	})
	Move = talix.NewCommand(People, "move", func(c talix.CommandContext[Person], to int64) (int64, error) {
		c.Emit(Moved{to})
		return c.Version(), nil
	})
	Count = talix.NewCommand(Tallies, "count", func(c talix.CommandContext[Tally], what string) (int64, error) {
		c.Emit(Done{what})
		return c.State().Done, nil
	})
)

// Tour is a workflow that waits in the middle.
var Tour = talix.NewWorkflow("tour", func(ctx talix.ActionContext, in Reply) (Reply, error) {
	_, err := talix.Step(ctx, "prepare", func(context.Context) (Noted, error) {
		steps.Add(1)
		return Noted{in.Text}, nil
	})
	if err != nil {
		return in, err
	}
	if _, ok := talix.Await(ctx, Go, 0); !ok {
		return in, nil
	}
	n, err := talix.Run(ctx, Count, "tours", "toured")
	return Reply{in.Text, n}, err
})

// Named is someone.
type Named struct {
	ID string `path:"id"`
}

type join struct {
	Named
	Joining
}

type note struct {
	Named
	Noted
}

// Nothing is answered where nothing is to be said.
type Nothing struct{}

// Touring tells how far a tour is.
type Touring struct {
	Status string `json:"status"`
}

// Runs is what this process has run.
type Runs struct {
	Steps   int64 `json:"steps"`
	Mirrors int64 `json:"mirrors"`
}

// Row is someone in the view, and Sums are what all come to.
type (
	Row struct {
		ID, Email, Last string
		Notes           int64
	}
	Listed struct {
		ID    string `json:"id"`
		Email string `json:"email"`
		Last  string `json:"last"`
		Notes int64  `json:"notes"`
	}
	Counted struct {
		ID                       string
		Mirrored, Greeted, Tours int64
	}
	Sums struct {
		People   int64 `json:"people"`
		Mirrored int64 `json:"mirrored"`
		Greeted  int64 `json:"greeted"`
		Tours    int64 `json:"tours"`
	}
)

// The views, and what is asked of them.
var (
	Rows = talix.NewTable("people",
		talix.When(func(r *Row, e talix.Recorded[Joined]) { r.Email = e.Data.Email }),
		talix.When(func(r *Row, e talix.Recorded[Noted]) { r.Last, r.Notes = e.Data.Text, r.Notes+1 }))
	Counts = talix.NewTable("counts", talix.When(func(r *Counted, e talix.Recorded[Done]) {
		switch e.Data.What {
		case "mirrored":
			r.Mirrored++
		case "greeted":
			r.Greeted++
		default:
			r.Tours++
		}
	}))
	List = talix.SQL[talix.Paging, Listed]("list", `SELECT id, email, last, notes FROM people`, talix.PageBy("id"), talix.Expose("GET /people"))
	All  = talix.SQLOne[Nothing, Sums]("sums", `SELECT (SELECT count(*) FROM people) AS people,
		(SELECT coalesce(sum(mirrored), 0) FROM counts) AS mirrored,
		(SELECT coalesce(sum(greeted), 0) FROM counts) AS greeted,
		(SELECT coalesce(sum(tours), 0) FROM counts) AS tours`, talix.Expose("GET /sums"))
	One = talix.NewQuery("person", func(ctx talix.QueryContext, in Named) (Listed, error) {
		p, err := talix.Load(ctx, People, in.ID)
		return Listed{in.ID, p.State.Email, p.State.Last, p.State.Notes}, err
	}, talix.Expose("GET /people/{id}"))
)

// The actions.
var actions = talix.Components{
	talix.OnEvent("mirror", func(ctx talix.ActionContext, e talix.Recorded[Joined]) error {
		mirrors.Add(1)
		_, err := talix.Run(ctx, Count, e.EntityID, "mirrored")
		return err
	}),
	talix.OnTimer(Remind, func(ctx talix.ActionContext, f talix.Fired[Noted]) error {
		_, err := talix.Run(ctx, Count, f.EntityID, "greeted")
		return err
	}),
	talix.OnHTTP("POST /people/{id}", func(ctx talix.ActionContext, in join) (Nothing, error) {
		_, err := talix.Run(ctx, Join, in.ID, in.Joining)
		return Nothing{}, err
	}),
	talix.OnHTTP("POST /people/{id}/notes", func(ctx talix.ActionContext, in note) (Nothing, error) {
		_, err := talix.Run(ctx, Note, in.ID, in.Noted)
		return Nothing{}, err
	}),
	talix.OnHTTP("POST /people/{id}/moves", func(ctx talix.ActionContext, in Named) (int64, error) {
		return talix.Run(ctx, Move, in.ID, 1)
	}),
	talix.OnHTTP("POST /people/{id}/erasure", func(ctx talix.ActionContext, in Named) (Nothing, error) {
		return Nothing{}, talix.Erase(ctx, in.ID)
	}),
	talix.OnHTTP("POST /people/{id}/tour", func(ctx talix.ActionContext, in note) (Nothing, error) {
		return Nothing{}, talix.Start(ctx, Tour, in.ID, Reply{Text: in.Text})
	}),
	talix.OnHTTP("POST /people/{id}/go", func(ctx talix.ActionContext, in note) (Nothing, error) {
		return Nothing{}, talix.Send(ctx, Tour.RunID(in.ID), Go, in.Text)
	}),
	talix.OnHTTP("GET /people/{id}/tour", func(ctx talix.ActionContext, in Named) (Touring, error) {
		s, err := talix.State(ctx, Tour, in.ID)
		return Touring{string(s.Status)}, err
	}),
	talix.OnHTTP("GET /runs", func(talix.ActionContext, Nothing) (Runs, error) {
		return Runs{steps.Load(), mirrors.Load()}, nil
	}),
}

func main() {
	standalone.Main(talix.Service{Name: "people", Components: append(actions,
		People, Tallies, Emails, Join, Note, Move, Count, Tour, Rows, Counts, List, All, One)})
}
