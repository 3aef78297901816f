package talix_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"log/slog"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// Pot is what the events of one teapot add up to.
type Pot struct {
	Millilitres int
	Tea         string
}

type Brewed struct {
	Millilitres int    `json:"millilitres"`
	Tea         string `json:"tea,omitzero"`
}

func (e Brewed) Apply(p *Pot, _ talix.Meta) {
	p.Millilitres += e.Millilitres
	p.Tea = e.Tea
}

type Drunk struct {
	Millilitres int `json:"millilitres"`
}

func (e Drunk) Apply(p *Pot, _ talix.Meta) { p.Millilitres -= e.Millilitres }

// brewedV1 and brewedV2 are what the first releases stored.
type (
	brewedV1 struct {
		Cups int `json:"cups"`
	}
	brewedV2 struct {
		Litres float64 `json:"litres"`
	}
)

// fact is an event as an earlier release stored it.
type fact struct {
	typ    string
	schema int
	data   string
}

// showPot shows what facts add up to.
func showPot(pots *talix.Entity[Pot], facts ...fact) {
	ctx := context.Background()
	s := memory.New(memory.Config{})
	a := store.Append{Stream: store.Stream{Type: "pot", ID: "mine"}}
	for i, f := range facts {
		a.Events = append(a.Events, store.Event{
			ID: store.ID{byte(i + 1)}, Stream: a.Stream, Version: store.Version(i + 1), Type: f.typ, Schema: f.schema, Time: time.Unix(0, 0).UTC(), Data: []byte(f.data),
		})
	}
	s.Commit(ctx, store.PartitionOf(a.Stream, s.Partitions()), []store.Batch{{Appends: []store.Append{a}}})
	rt, err := runtime.New(ctx, runtime.Config{
		Store: s, Log: slog.New(slog.DiscardHandler), Parts: []talix.Part{talix.Service{Name: "tea", Components: talix.Components{pots}}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer rt.Stop()
	pot, err := talix.Load(rt.Context(ctx), pots, "mine")
	fmt.Println(pot.State, err)
}

// The shapes that an event had are kept, each with what leads to the next one.
func ExampleWas() {
	pots := talix.NewEntity("pot",
		talix.Event[Brewed]("POT:BREWED",
			talix.Was(func(old brewedV2) Brewed { return Brewed{int(old.Litres * 1000), "green"} },
				talix.Was(func(old brewedV1) brewedV2 { return brewedV2{float64(old.Cups) / 4} }))),
		talix.Event[Drunk]("POT:DRUNK"),
	)
	showPot(pots,
		fact{"POT:BREWED", 1, `{"cups":2}`},
		fact{"POT:BREWED", 2, `{"litres":0.3}`},
		fact{"POT:BREWED", 3, `{"millilitres":200,"tea":"black"}`},
	)
	// Output: {1000 black} <nil>
}

// Who keeps no types of the past changes the fields of what is stored.
func ExampleWasFields() {
	pots := talix.NewEntity("pot",
		talix.Event[Brewed]("POT:BREWED",
			talix.WasFields[Brewed](func(f talix.Fields) error {
				f["tea"] = json.RawMessage(`"green"`)
				return nil
			}, talix.WasFields[talix.Fields](func(f talix.Fields) error {
				f["millilitres"] = f["ml"]
				delete(f, "ml")
				return nil
			}))),
	)
	showPot(pots, fact{"POT:BREWED", 1, `{"ml":200}`}, fact{"POT:BREWED", 2, `{"millilitres":100}`})
	// Output: {300 green} <nil>
}

// The name of an event may change; what has the old name is read as before.
func ExampleEventType_Renamed() {
	pots := talix.NewEntity("pot",
		talix.Event[Brewed]("POT:BREWED").Renamed("POT:FILLED"),
	)
	showPot(pots, fact{"POT:FILLED", 1, `{"millilitres":200}`}, fact{"POT:BREWED", 1, `{"millilitres":100,"tea":"black"}`})
	// Output: {300 black} <nil>
}

// An event that told of two things is two events by now. The second Became is
// about the older versions of an event that is still stored.
func ExampleBecame() {
	type swapped struct{ Out, In int }
	type drunkV1 struct{ Sips int }
	pots := talix.NewEntity("pot",
		talix.Event[Brewed]("POT:BREWED"),
		talix.Became("POT:SWAPPED", func(old swapped) []talix.EventFor[Pot] {
			return []talix.EventFor[Pot]{Drunk{old.Out}, Brewed{old.In, "white"}}
		}),
		talix.Became("POT:DRUNK", func(old drunkV1) (events []talix.EventFor[Pot]) {
			for range old.Sips {
				events = append(events, Drunk{10})
			}
			return events
		}),
		talix.Event[Drunk]("POT:DRUNK"),
	)
	showPot(pots,
		fact{"POT:BREWED", 1, `{"millilitres":500}`},
		fact{"POT:SWAPPED", 1, `{"out":200,"in":100}`},
		fact{"POT:DRUNK", 1, `{"sips":3}`},
		fact{"POT:DRUNK", 2, `{"millilitres":70}`},
	)
	// Output: {300 white} <nil>
}

// What has no effect any more is named.
func ExampleRetired() {
	pots := talix.NewEntity("pot",
		talix.Event[Brewed]("POT:BREWED"),
		talix.Retired[Pot]("POT:WASHED"),
	)
	showPot(pots, fact{"POT:BREWED", 1, `{"millilitres":500}`}, fact{"POT:WASHED", 1, `{"by":"ann"}`})
	// Output: {500 } <nil>
}

// A program that is to know some of the events only passes over the others.
func ExampleEntity_SkipUnknown() {
	pots := talix.NewEntity("pot", talix.Event[Brewed]("POT:BREWED")).SkipUnknown()
	showPot(pots, fact{"POT:BREWED", 1, `{"millilitres":500}`}, fact{"POT:PAINTED", 3, `{"color":"red"}`})
	// Output: {500 } <nil>
}
