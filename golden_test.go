package talix_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Purse is an entity whose events have been stored by five releases.
type Purse struct {
	Owner  string
	Cents  int64
	Fees   int64
	Notes  []string
	Closed bool
}

// Put is the present shape, the fifth one.
type Put struct {
	Amount Money  `json:"amount"`
	By     string `json:"by,omitzero"`
}

type Money struct {
	Cents    int64  `json:"cents"`
	Currency string `json:"currency"`
}

func (e Put) Apply(p *Purse, _ talix.Meta) {
	p.Cents += e.Amount.Cents
	p.Notes = append(p.Notes, e.By)
}

type Taken struct {
	Cents int64 `json:"cents"`
}

func (e Taken) Apply(p *Purse, _ talix.Meta) { p.Cents -= e.Cents }

type FeeTaken struct {
	Cents int64 `json:"cents"`
}

func (e FeeTaken) Apply(p *Purse, _ talix.Meta) {
	p.Cents -= e.Cents
	p.Fees += e.Cents
}

type PurseGiven struct {
	To string `json:"to"`
}

func (e PurseGiven) Apply(p *Purse, _ talix.Meta) { p.Owner = e.To }

type PurseClosed struct{}

func (PurseClosed) Apply(p *Purse, _ talix.Meta) { p.Closed = true }

// The shapes of releases 1 to 4.
type (
	putV1 struct {
		Euros int64 `json:"euros"`
	}
	putV2 struct {
		Cents int64 `json:"cents"`
	}
	putV4 struct {
		Amount json.Number `json:"amount"`
		By     string      `json:"by"`
	}
	takenV1 struct {
		Cents int64 `json:"cents"`
		Fee   int64 `json:"fee"`
	}
)

func purses() *talix.Entity[Purse] {
	return talix.NewEntity("purse",
		talix.Event[Put]("PURSES:PUT",
			talix.Was(func(old putV4) Put {
				cents, err := old.Amount.Int64()
				if err != nil {
					panic(err)
				}
				return Put{Money{cents, "EUR"}, old.By}
			}, talix.WasFields[putV4](func(f talix.Fields) error {
				f["amount"] = f["cents"]
				return nil
			}, talix.Was(func(old putV2) talix.Fields {
				return talix.Fields{"cents": json.RawMessage(fmt.Sprint(old.Cents)), "by": json.RawMessage(`"someone"`)}
			}, talix.Was(func(old putV1) putV2 { return putV2{old.Euros * 100} }))))).Renamed("PURSES:FILLED", "PURSES:MONEY_IN"),
		talix.Became("PURSES:TAKEN", func(old takenV1) []talix.EventFor[Purse] {
			return []talix.EventFor[Purse]{Taken{old.Cents}, FeeTaken{old.Fee}}
		}),
		talix.Event[Taken]("PURSES:TAKEN"),
		talix.Event[FeeTaken]("PURSES:FEE_TAKEN"),
		talix.Event[PurseGiven]("PURSES:GIVEN").Renamed("PURSES:OPENED"),
		talix.Event[PurseClosed]("PURSES:CLOSED"),
		talix.Retired[Purse]("PURSES:LOOKED_INTO"),
	)
}

// What each earlier release stored of the same story leads to the same state,
// and what follows it is stored in the present form.
func TestEveryReleaseIsFolded(t *testing.T) {
	t.Parallel()
	def := purses()
	closing := talix.NewCommand(def, "close", func(c talix.CommandContext[Purse], _ struct{}) (Purse, error) {
		c.Emit(PurseClosed{})
		return c.State(), nil
	})
	s := memory.New(memory.Config{})
	rt, err := runtime.New(t.Context(), runtime.Config{
		Store: s, Log: slog.New(slog.DiscardHandler), Parts: []talix.Part{talix.Service{Name: "purses", Components: talix.Components{def, closing}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	defer rt.Stop()
	const want = `{"Owner":"ann","Cents":490,"Fees":10,"Notes":["someone","someone"],"Closed":false}`
	for release := 1; release <= 5; release++ {
		id := fmt.Sprint("release-", release)
		n := storedBy(t, s, release, store.Stream{Type: "purse", ID: id})
		got, err := talix.Load(rt.Context(t.Context()), def, id)
		state, _ := json.Marshal(got.State)
		if err != nil || string(state) != want || got.Version != int64(n) {
			t.Errorf("what release %d stored adds up to %s, version %d, %v", release, state, got.Version, err)
		}
		closed, err := talix.Run(rt.Context(t.Context()), closing, id, struct{}{})
		if err != nil || !closed.Closed || closed.Cents != 490 {
			t.Errorf("%+v, %v", closed, err)
		}
	}
}

// storedBy appends what a release stored, which is kept as it was.
func storedBy(t *testing.T, s store.Store, release int, stream store.Stream) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("testdata/purse/release%d.json", release))
	if err != nil {
		t.Fatal(err)
	}
	var events []struct {
		Type   string          `json:"type"`
		Schema int             `json:"schema"`
		Data   json.RawMessage `json:"data"`
	}
	if err := json.Unmarshal(text, &events); err != nil {
		t.Fatal(err)
	}
	a := store.Append{Stream: stream}
	for i, e := range events {
		a.Events = append(a.Events, store.Event{
			ID: store.ID{1, byte(release), byte(i)}, Stream: stream, Version: store.Version(i + 1), Type: e.Type, Schema: e.Schema,
			Time: time.Date(2020+release, 1, 1, 0, 0, 0, 0, time.UTC), Data: e.Data,
		})
	}
	o := s.Commit(t.Context(), store.PartitionOf(stream, s.Partitions()), []store.Batch{{Appends: []store.Append{a}}})
	if o[0].Status != store.Durable {
		t.Fatal(o)
	}
	return len(events)
}
