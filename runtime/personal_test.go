package runtime_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/table"
	"github.com/talix-dev/talix/vault"
)

// Client is a state without tags, fed from personal events.
type Client struct {
	Email, City, Plan string
	Moves             int
}

type Joined struct {
	Email string `json:"email" personal:"true"`
	Plan  string `json:"plan"`
	// Free is a user's own JSON, which may look like anything.
	Free map[string]any `json:"free,omitempty"`
}

func (e Joined) Apply(c *Client, _ talix.Meta) { c.Email, c.Plan = e.Email, e.Plan }

type Relocated struct {
	Home address `json:"home" personal:"true"`
	Year int     `json:"year" personal:"true"`
}

type address struct{ City string }

func (e Relocated) Apply(c *Client, _ talix.Meta) { c.City, c.Moves = e.Home.City, c.Moves+1 }

// Case is about a client that is another entity.
type Case struct{ Texts []string }

type Opened struct {
	Client string `json:"client" subject:"true"`
	Text   string `json:"text" personal:"true"`
	Topic  string `json:"topic"`
}

func (e Opened) Apply(c *Case, _ talix.Meta) { c.Texts = append(c.Texts, e.Text) }

// told is what is kept of a client in many places.
type told struct {
	Client string `json:"client" subject:"true"`
	Text   string `json:"text" personal:"true"`
}

type clientRow struct {
	ID    string `db:"id,key"`
	Email string `db:"email,fulltext"`
	City  string `db:"city,index"`
	Plan  string `db:"plan"`
	Moves int    `db:"moves"`
}

type planRow struct {
	Plan string `db:"plan,key"`
	N    int    `db:"n"`
}

// office is a set of definitions that has personal data go every way there is.
type office struct {
	clients *talix.Entity[Client]
	cases   *talix.Entity[Case]
	join    *talix.Command[Joined, Joined]
	move    *talix.Command[Relocated, int]
	open    *talix.Command[Opened, told]
	emails  *talix.Unique[string]
	cards   chan string // what the action that is poured was told
	retire  *talix.Command[struct{}, struct{}]
	remind  *talix.Timer[told]
	answer  *talix.Signal[told]
	tell    *talix.Workflow[told, told]
	rows    *talix.Table[clientRow]
	plans   *talix.Table[planRow]
	letters *talix.Fold[[]string]
	find    *talix.Query[struct{ Word string }, talix.Page[clientRow]]
	all     *talix.Query[struct{}, talix.Page[clientRow]]
	history *talix.Query[struct{}, talix.Page[clientRow]]
	byPlan  *talix.Query[struct{}, talix.Page[planRow]]
}

var errNotNow = errors.New("not now")

func newOffice() *office {
	o := &office{emails: talix.NewUnique("emails", strings.ToLower).Personal(), cards: make(chan string, 1000)}
	o.clients = talix.NewEntity("client", talix.Event[Joined]("CLIENT:JOINED"), talix.Event[Relocated]("CLIENT:MOVED"), talix.Event[Retired]("CLIENT:RETIRED")).SnapshotEvery(2)
	o.cases = talix.NewEntity("case", talix.Event[Opened]("CASE:OPENED")).SnapshotEvery(1)
	o.remind, o.answer = talix.NewTimer[told]("remind"), talix.NewSignal[told]("answer")
	o.join = talix.NewCommand(o.clients, "join", func(c talix.CommandContext[Client], in Joined) (Joined, error) {
		if err := o.emails.Reserve(c, in.Email); err != nil {
			return in, err
		}
		c.Emit(in)
		talix.Schedule(c, o.remind, "", c.Time().Add(1000*time.Hour), told{c.ID(), in.Email})
		return in, nil
	})
	o.move = talix.NewCommand(o.clients, "move", func(c talix.CommandContext[Client], in Relocated) (int, error) {
		c.Emit(in)
		return c.State().Moves, nil
	})
	o.retire = talix.NewCommand(o.clients, "retire", func(c talix.CommandContext[Client], _ struct{}) (struct{}, error) {
		c.Emit(Retired{})
		return struct{}{}, nil
	})
	o.open = talix.NewCommand(o.cases, "open", func(c talix.CommandContext[Case], in Opened) (told, error) {
		c.Emit(in)
		return told{in.Client, in.Text}, nil
	})
	o.tell = talix.NewWorkflow("tell", func(ctx talix.ActionContext, in told) (told, error) {
		if _, err := talix.Step(ctx, "look", func(context.Context) (told, error) { return told{in.Client, "step " + in.Text}, nil }); err != nil {
			return in, err
		}
		if _, err := talix.Run(ctx, o.open, "case of "+in.Client, Opened{in.Client, in.Text, "workflow"}); err != nil {
			return in, err
		}
		got, _ := talix.Await(ctx, o.answer, 0)
		if got.Text == "" {
			got.Text = "nothing"
		}
		return got, nil
	})
	o.views()
	return o
}

type Retired struct{}

func (Retired) Apply(*Client, talix.Meta) {}

func (o *office) views() {
	o.rows = talix.NewTable("clients",
		talix.When(func(r *clientRow, e talix.Recorded[Joined]) {
			r.ID, r.Email, r.Plan = e.EntityID, e.Data.Email, e.Data.Plan
		}),
		talix.When(func(r *clientRow, e talix.Recorded[Relocated]) { r.City, r.Moves = e.Data.Home.City, r.Moves+1 }),
	).KeepHistory()
	o.plans = talix.NewTable("plans", talix.By(func(e talix.Recorded[Joined]) string { return e.Data.Plan },
		talix.When(func(r *planRow, e talix.Recorded[Joined]) { r.Plan, r.N = e.Data.Plan, r.N+1 })))
	o.letters = talix.NewFold("letters", talix.When(func(v *[]string, e talix.Recorded[Opened]) { *v = append(*v, e.Data.Topic+e.Data.Text) }))
	o.find = talix.SQL[struct{ Word string }, clientRow]("find", `SELECT * FROM clients WHERE id IN search(clients, :word)`)
	o.all = talix.SQL[struct{}, clientRow]("all", `SELECT * FROM clients ORDER BY id`, talix.Live("id"))
	o.history = talix.SQL[struct{}, clientRow]("history", `SELECT id, email, city, plan, moves FROM clients_history ORDER BY id, moves`)
	o.byPlan = talix.SQL[struct{}, planRow]("by-plan", `SELECT * FROM plans ORDER BY plan`)
}

func (o *office) service() talix.Service {
	fail := func(ctx talix.ActionContext, client, text string) error {
		if _, err := talix.Step(ctx, "look", func(context.Context) (told, error) { return told{client, "kept " + text}, nil }); err != nil {
			return err
		}
		return talix.Final(errNotNow)
	}
	return talix.Service{Name: "office", Components: talix.Components{
		o.clients, o.cases, o.emails, o.join, o.move, o.retire, o.open, o.tell, o.rows, o.plans, o.letters, o.find, o.all, o.history, o.byPlan,
		talix.OnTimer(o.remind, func(talix.ActionContext, talix.Fired[told]) error { return nil }),
		talix.OnEvent("look-at", func(ctx talix.ActionContext, e talix.Recorded[Joined]) error {
			return fail(ctx, e.EntityID, e.Data.Email)
		}),
		talix.OnEvent("card", func(ctx talix.ActionContext, e talix.Recorded[Joined]) error {
			o.cards <- e.EntityID + " " + e.Data.Email
			return nil
		}),
		talix.OnMessage("mail", "mails", func(ctx talix.ActionContext, m talix.Message[told]) error {
			return fail(ctx, m.Data.Client, m.Data.Text)
		}),
		talix.OnHTTP("POST /later", func(ctx talix.ActionContext, in told) (struct{}, error) {
			talix.Await(ctx, o.answer, 0)
			return struct{}{}, nil
		}, talix.Async()),
		talix.OnHTTP("POST /now", func(ctx talix.ActionContext, in told) (told, error) {
			_, err := talix.Run(ctx, o.open, "now", Opened{in.Client, in.Text, "http"})
			return in, err
		}),
		talix.OnHTTP("POST /erase", func(ctx talix.ActionContext, in struct{ Client string }) (struct{}, error) {
			return struct{}{}, talix.Erase(ctx, in.Client)
		}),
	}}
}

// place is where an office keeps things.
type place struct {
	store  store.Store
	tables table.Store
	keys   vault.Vault
}

func (o *office) run(t *testing.T, p place, queue broker.Broker) *runtime.Runtime {
	t.Helper()
	if queue == nil {
		queue = brokermemory.New(brokermemory.Config{})
		t.Cleanup(func() { queue.(*brokermemory.Broker).Close() })
	}
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: p.store, Tables: p.tables, Keys: p.keys, Brokers: map[string]broker.Broker{"": queue},
		Parts: []talix.Part{o.service()}, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt
}

// fill has the personal text of a client go every way.
func (o *office) fill(t *testing.T, rt *runtime.Runtime, queue broker.Broker, client, text string) {
	t.Helper()
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx := rt.ContextWithKey(t.Context(), "fill "+client)
	_, err := talix.Run(ctx, o.join, client, Joined{text, "gold", map[string]any{"$sealed": "v1.", "$$sealed": 1, "$personal": map[string]any{"of": client}}})
	do(err)
	for i := range 5 {
		_, err = talix.Run(ctx, o.move, client, Relocated{address{text}, 2000 + i})
		do(err)
	}
	for i := range 3 {
		_, err = talix.Run(ctx, o.open, client+"-case", Opened{client, text, string(rune('a' + i))})
		do(err)
	}
	do(talix.Group(ctx, talix.Do(o.open, client+"-case", Opened{client, text, "group"}), talix.Do(o.open, "both", Opened{client, text, "group"})))
	if _, err := talix.Run(ctx, o.join, "not "+client, Joined{Email: text}); !errors.Is(err, talix.ErrTaken) || strings.Contains(err.Error(), text) {
		t.Errorf("another one with the same address got %v", err)
	}
	do(talix.Start(ctx, o.tell, client, told{client, text}))
	do(talix.Start(ctx, o.tell, client+"-done", told{client, text}))
	do(talix.Send(ctx, o.tell.RunID(client+"-done"), o.answer, told{client, "answer " + text}))
	do(talix.Send(ctx, "event/look-at/client/"+client+"/1", o.answer, told{client, "unread " + text}))
	do(queue.Publish(t.Context(), "mails", broker.Message{ID: client, Data: []byte(`{ "client": "` + client + `", "text": "` + text + `" }`)}))
	for _, path := range []string{"/later", "/now"} {
		w := request(rt.Handler(), "POST", path, `{"client":"`+client+`","text":"`+text+`"}`, "Idempotency-Key", client+path)
		if w.Code/100 != 2 {
			t.Fatalf("POST %s: %d %s", path, w.Code, w.Body)
		}
	}
	o.settled(t, rt, client)
}

// settled waits until everything of a client has come to where it stays.
func (o *office) settled(t *testing.T, rt *runtime.Runtime, client string) {
	t.Helper()
	ctx := rt.Context(t.Context())
	eventually(t, func() bool {
		items, err := rt.Work().List(ctx, runtime.WorkFilter{})
		if err != nil {
			t.Fatal(err)
		}
		parked, waiting := 0, 0
		for _, i := range items {
			switch i.Status {
			case "parked":
				parked++
			case "waiting":
				waiting++
			}
		}
		state, err := talix.State(ctx, o.tell, client+"-done")
		return err == nil && parked >= 2 && waiting >= 2 && state.Status == talix.WorkflowDone
	})
	eventually(t, func() bool {
		for _, v := range rt.Views().Status() {
			if v.Lag > 0 || v.Rebuild != nil {
				return false
			}
		}
		return true
	})
}

// shown is what readers see of all that was stored.
type shown struct {
	Clients, History []clientRow
	Plans            []planRow
	Letters          map[string][]string
	Events           []string
}

func (o *office) look(t *testing.T, rt *runtime.Runtime, clients ...string) (s shown) {
	t.Helper()
	ctx := rt.Context(t.Context())
	s.Clients, s.History, s.Plans = allRows(t, ctx, o.all), allRows(t, ctx, o.history), allRows(t, ctx, o.byPlan)
	s.Letters = map[string][]string{}
	for _, c := range clients {
		v, err := o.letters.Get(ctx, c+"-case")
		if err != nil {
			t.Fatal(err)
		}
		s.Letters[c] = v
	}
	for _, typ := range []string{"client", "case"} {
		for _, c := range append([]string{"now", "both"}, clients...) {
			for _, id := range []string{c, c + "-case", "case of " + c} {
				moments, err := rt.Entities().Events(t.Context(), typ, id, runtime.EventFilter{States: true})
				if err != nil && !errors.Is(err, talix.ErrNotFound) {
					t.Fatal(err)
				}
				for _, m := range moments {
					s.Events = append(s.Events, id+" "+string(m.Payload)+" "+string(m.State)+m.Fault)
				}
			}
		}
	}
	return s
}

func allRows[R any](t *testing.T, ctx talix.ActionContext, q *talix.Query[struct{}, talix.Page[R]]) []R {
	t.Helper()
	page, err := talix.Ask(ctx, q, struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	return page.Items
}
