package talix_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Tab is what a guest owes.
type Tab struct{ Cents int }

type Ordered struct {
	Cents int    `json:"cents"`
	What  string `json:"what,omitempty"`
}

func (e Ordered) Apply(t *Tab, _ talix.Meta) { t.Cents += e.Cents }

type Paid struct {
	Cents int `json:"cents"`
}

func (e Paid) Apply(t *Tab, _ talix.Meta) { t.Cents -= e.Cents }

// Shapes of the past.
type (
	orderedV1 struct {
		Euros int `json:"euros"`
	}
	orderedV2 struct {
		Cents int `json:"cents"`
	}
)

func fromV1(old orderedV1) orderedV2 { return orderedV2{old.Euros * 100} }

func fromV2(old orderedV2) Ordered { return Ordered{Cents: old.Cents} }

// defined is what a runtime gets of an entity.
func defined(e *talix.Entity[Tab]) (*registry.Entity, []error) {
	r := registry.New()
	e.Register(r)
	return r.Entities[0], r.Faults()
}

func stored(typ string, schema int, data string) *store.Event {
	return &store.Event{ID: store.ID{9}, Stream: store.Stream{Type: "tab", ID: "a"}, Version: 1, Type: typ, Schema: schema, Data: []byte(data)}
}

// facts are the present events of a stored one, as text.
func facts(e *registry.Entity, s *store.Event) string {
	all, err := e.Decode(s)
	if err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return first
	}
	var text []string
	for i := range all.Len() {
		f := all.At(i)
		text = append(text, fmt.Sprintf("%s %d %+v", f.As.Type, f.As.Schema, f.Data))
	}
	return strings.Join(text, ", ")
}

func TestShapesOfThePast(t *testing.T) {
	t.Parallel()
	split := func(old orderedV1) []talix.EventFor[Tab] {
		return []talix.EventFor[Tab]{Ordered{Cents: old.Euros * 100}, Paid{1}}
	}
	typed := talix.NewEntity("tab", talix.Event[Ordered]("ORDERED", talix.Was(fromV2, talix.Was(fromV1))), talix.Event[Paid]("PAID"))
	fields := talix.NewEntity("tab", talix.Event[Ordered]("ORDERED",
		talix.WasFields[Ordered](func(f talix.Fields) error { f["what"] = json.RawMessage(`"tea"`); return nil },
			talix.WasFields[talix.Fields](func(f talix.Fields) error {
				if f["euros"] == nil {
					return errors.New("euros are missing")
				}
				f["cents"] = json.RawMessage(string(f["euros"]) + "00")
				delete(f, "euros")
				return nil
			}))))
	splits := talix.NewEntity("tab",
		talix.Became("ORDERED", split), talix.Event[Paid]("PAID"), talix.Event[Ordered]("ORDERED", talix.Was(fromV2)).Renamed("ASKED", "WISHED"))
	dropped := talix.NewEntity("tab", talix.Event[Paid]("PAID"), talix.Retired[Tab]("ORDERED").Renamed("ASKED"),
		talix.Became("GAVE", func(talix.Fields) []talix.EventFor[Tab] { return nil }),
		talix.Became("BAD", func(n int) []talix.EventFor[Tab] { return []talix.EventFor[Tab]{nil, Ordered{}, Paid{1 / n}}[n : n+1] }))
	skipping := talix.NewEntity("tab", talix.Event[Paid]("PAID")).SkipUnknown()
	for _, c := range []struct {
		entity *talix.Entity[Tab]
		typ    string
		schema int
		data   string
		want   string
	}{
		{typed, "ORDERED", 1, `{"euros":2}`, "ORDERED 3 {Cents:200 What:}"},
		{typed, "ORDERED", 2, `{"cents":2}`, "ORDERED 3 {Cents:2 What:}"},
		{typed, "ORDERED", 3, `{"cents":2,"what":"tea"}`, "ORDERED 3 {Cents:2 What:tea}"},
		{typed, "ORDERED", 4, `{}`, "event ORDERED was stored as its version 4, and this program knows it up to version 3: run the newer program that stored it, or give the event its upcasters again"},
		{typed, "PAID", 2, `{}`, "event PAID was stored as its version 2, and this program knows it up to version 1: run the newer program that stored it, or give the event its upcasters again"},
		{typed, "PAID", 0, `{}`, "event PAID was stored as its version 0, and versions begin with 1: " + store.ErrCorrupt.Error()},
		{typed, "ORDERED", 1, `[]`, "upcast version 1 of event ORDERED: json: cannot unmarshal array into Go value of type talix_test.orderedV1"},
		{typed, "LEFT", 1, `{}`, `entity "tab" has no event type "LEFT": add talix.Event[…]("LEFT") to its NewEntity, Renamed("LEFT") to the event that it is now, or talix.Retired[…]("LEFT") if it has no effect any more`},
		{fields, "ORDERED", 1, `{"euros":2}`, "ORDERED 3 {Cents:200 What:tea}"},
		{fields, "ORDERED", 2, `{"cents":9007199254740993}`, "ORDERED 3 {Cents:9007199254740993 What:tea}"},
		{fields, "ORDERED", 1, `{}`, "upcast version 1 of event ORDERED: euros are missing"},
		{fields, "ORDERED", 2, `null`, "upcast version 2 of event ORDERED: the data is null and has no fields"},
		{splits, "ORDERED", 1, `{"euros":2}`, "ORDERED 3 {Cents:200 What:}, PAID 1 {Cents:1}"},
		{splits, "WISHED", 1, `{"euros":2}`, "ORDERED 3 {Cents:200 What:}, PAID 1 {Cents:1}"},
		{splits, "ASKED", 2, `{"cents":2}`, "ORDERED 3 {Cents:2 What:}"},
		{splits, "ASKED", 3, `{"cents":2}`, "ORDERED 3 {Cents:2 What:}"},
		{dropped, "ORDERED", 17, `what?`, ""},
		{dropped, "ASKED", 0, ``, ""},
		{dropped, "GAVE", 1, `{"a":1}`, ""},
		{dropped, "GAVE", 2, `{"a":1}`, "event GAVE was stored as its version 2, and this program knows it up to version 1: run the newer program that stored it, or give the event its upcasters again"},
		{dropped, "BAD", 1, `1`, `event BAD became talix_test.Ordered, which is no event of entity "tab": add talix.Event[talix_test.Ordered](…) to its NewEntity, before or after`},
		{dropped, "BAD", 1, `0`, `upcast version 1 of event BAD: panic: runtime error: integer divide by zero`},
		{skipping, "LEFT", 9, `{}`, ""},
		{skipping, "PAID", 2, `{}`, "event PAID was stored as its version 2, and this program knows it up to version 1: run the newer program that stored it, or give the event its upcasters again"},
	} {
		e, faults := defined(c.entity)
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		if got := facts(e, stored(c.typ, c.schema, c.data)); got != c.want {
			t.Errorf("%s %d %s is %q, not %q", c.typ, c.schema, c.data, got, c.want)
		}
	}
}

// Each wrong wiring is told at start, with the way to mend it.
func TestFaultsOfThePast(t *testing.T) {
	t.Parallel()
	ordered, paid := talix.Event[Ordered]("ORDERED"), talix.Event[Paid]("PAID")
	gone := func(typ string) talix.EventType[Tab] {
		return talix.Became(typ, func(Paid) []talix.EventFor[Tab] { return nil })
	}
	var none func(orderedV2) Ordered
	for want, events := range map[string][]talix.EventType[Tab]{
		`event type "ORDERED": put Became before Event`:                                                 {ordered, gone("ORDERED")},
		`event type "ORDERED" stands twice in entity "tab": remove or rename one`:                       {ordered, talix.Event[Paid]("ORDERED")},
		`event type "PAID" stands twice in entity "tab"`:                                                {gone("PAID"), talix.Retired[Tab]("PAID")},
		`event type "GONE" stands twice in entity "tab"`:                                                {talix.Retired[Tab]("GONE"), gone("GONE")},
		`event type "OLD" stands twice in entity "tab"`:                                                 {ordered.Renamed("OLD"), paid.Renamed("OLD")},
		`event type "ORDERED" stands twice`:                                                             {ordered, paid.Renamed("ORDERED")},
		`event type "PAID" stands twice in`:                                                             {ordered.Renamed("PAID"), paid},
		`event type "PAID" stands twice in e`:                                                           {paid.Renamed("PAID")},
		`event type "PAID" was renamed from "no name": a name has`:                                      {paid.Renamed("no name")},
		`event type "no name": a name has`:                                                              {talix.Retired[Tab]("no name")},
		`event type "ORDERED": talix_test.Ordered was shaped in two ways before: there is one Was`:      {talix.Event[Ordered]("ORDERED", talix.Was(fromV2), talix.Was(fromV2))},
		`event type "ORDERED": talix_test.orderedV2 was shaped in two ways`:                             {talix.Event[Ordered]("ORDERED", talix.Was(fromV2, talix.Was(fromV1), talix.Was(fromV1)))},
		`event type "ORDERED": an upcaster to talix_test.Ordered is nil: give Was a function`:           {talix.Event[Ordered]("ORDERED", talix.Was(none))},
		`the Go type talix_test.Paid stands for the events "PAID" and "REPAID": give each event a type`: {paid, talix.Event[Paid]("REPAID")},
		`event "POINTER": use Event[Paid] instead of Event[*talix_test.Paid]: events are values`:        {talix.Event[*Paid]("POINTER")},
	} {
		_, faults := defined(talix.NewEntity("tab", append(events, talix.Retired[Tab]("LAST"))...))
		if len(faults) != 1 || !strings.Contains(faults[0].Error(), want) || !strings.Contains(faults[0].Error(), "past_test.go:") {
			t.Errorf("%v, not %q", faults, want)
		}
	}
	r := registry.New()
	talix.NewEntity("tab", ordered.Renamed("ASKED")).Register(r)
	talix.NewEntity("bill", paid, talix.Retired[Tab]("ASKED")).Register(r)
	if all := r.Faults(); len(all) != 1 || !strings.Contains(all[0].Error(), `event type "ASKED" stands in the entities "tab" and "bill": rename one`) {
		t.Error(all)
	}
}

// Definitions can be used more than once.
func TestEventTypeInTwoEntities(t *testing.T) {
	t.Parallel()
	ev := talix.Event[Ordered]("ORDERED", talix.Was(fromV2))
	one, _ := defined(talix.NewEntity("tab", talix.Became("ORDERED", func(orderedV1) []talix.EventFor[Tab] { return nil }), ev.Renamed("ASKED")))
	two, faults := defined(talix.NewEntity("tab", ev))
	if len(faults) != 0 || one.Events[0].Schema != 3 || two.Events[0].Schema != 2 || two.Knows("ASKED") {
		t.Error(faults, one.Events[0].Schema, two.Events[0].Schema)
	}
}

// An event in its present form costs what its decoding costs.
func TestPresentEventsCostNothingMore(t *testing.T) {
	e, _ := defined(talix.NewEntity("tab", talix.Event[Ordered]("ORDERED", talix.Was(fromV2, talix.Was(fromV1)))))
	s, ev := stored("ORDERED", 3, `{"cents":2,"what":"tea"}`), e.ByName["ORDERED"]
	state := e.New()
	bare := testing.AllocsPerRun(100, func() {
		data, err := ev.Decode(s.Data)
		if err != nil {
			t.Error(err)
		}
		ev.Apply(state, data, s)
	})
	got := testing.AllocsPerRun(100, func() {
		if err := e.Fold(state, s); err != nil {
			t.Error(err)
		}
	})
	if got > bare {
		t.Errorf("%v allocations instead of %v", got, bare)
	}
}
