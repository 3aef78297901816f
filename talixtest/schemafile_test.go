package talixtest_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// Bill is a state whose events change from program to program.
type Bill struct{ Cents int64 }

// Charged is an event with fields of every kind.
type Charged struct {
	Cents int64             `json:"cents"`
	Note  string            `json:"note,omitempty"`
	At    time.Time         `json:"at"`
	Lines []Line            `json:"lines"`
	Tags  map[string]string `json:"tags,omitzero"`
	Rate  float64           `json:"rate,string"`
	Key   []byte            `json:"key"`
	Color color             `json:"color"`
	Payer *Payer            `json:"payer"`
	base
}

type base struct {
	Source string `json:"source"`
	hidden int
}

type Line struct {
	Text  string `json:"text"`
	Price int    `json:"price"`
}

type Payer struct {
	Name   string  `json:"name"`
	Parent *Payer  `json:"parent"`
	Secret string  `json:"-"`
	Ways   [2]bool `json:"ways"`
	Other  any     `json:"other"`
}

func (e Charged) Apply(b *Bill, _ talix.Meta) { b.Cents += e.Cents }

// Settled is an event of one field.
type Settled struct {
	Cents int64 `json:"cents"`
}

func (e Settled) Apply(b *Bill, _ talix.Meta) { b.Cents -= e.Cents }

// Counted is an event that is no object.
type Counted int

func (e Counted) Apply(b *Bill, _ talix.Meta) { b.Cents += int64(e) }

// Divided can't be folded alone.
type Divided struct {
	By int64 `json:"by"`
}

func (e Divided) Apply(b *Bill, _ talix.Meta) { b.Cents = e.By / b.Cents }

type settledV0 struct {
	Euros int64 `json:"euros"`
}

func bills(events ...talix.EventType[Bill]) talix.Part {
	return talix.Service{Name: "bills", Components: talix.Components{talix.NewEntity("bill", events...)}}
}

// settled was there in an older version from the first day.
func settled() talix.EventType[Bill] {
	return talix.Event[Settled]("BILLS:SETTLED", talix.Was(func(old settledV0) Settled { return Settled{old.Euros * 100} }))
}

func program() []talix.EventType[Bill] {
	return []talix.EventType[Bill]{
		talix.Event[Charged]("BILLS:CHARGED"), settled().Renamed("BILLS:PAID"), talix.Event[Counted]("BILLS:COUNTED"),
		talix.Event[Divided]("BILLS:DIVIDED"), talix.Retired[Bill]("BILLS:SEEN"),
		talix.Became("BILLS:SPLIT", func(old settledV0) []talix.EventFor[Bill] {
			return []talix.EventFor[Bill]{Divided{old.Euros}, Divided{2}}
		}),
		talix.Became("BILLS:LOST", func(settledV0) []talix.EventFor[Bill] { return nil }),
	}
}

// with is the program with another event at a place.
func with(at int, events ...talix.EventType[Bill]) talix.Part {
	all := program()
	return bills(append(append(all[:at:at], events...), all[at+1:]...)...)
}

const billsFile = "testdata/bills.json"

// The file of the program, as it is committed.
func TestCompatible(t *testing.T) {
	t.Parallel()
	talixtest.Compatible(t, billsFile, bills(program()...))
}

// change is what a program does to the events of the file, and what is told of
// it.
type change struct {
	part talix.Part
	want []string
}

// broken are changes by which something can't be read any more.
func broken() map[string]change {
	type settledV1 struct {
		Cents string `json:"cents"`
	}
	return map[string]change{
		"a field is gone": {with(1, talix.Event[Elsewhere]("BILLS:SETTLED", wasSettled[Elsewhere]()).Renamed("BILLS:PAID")), []string{
			`event "BILLS:SETTLED" of entity "bill": the field "cents" (integer) is gone; the field "sum" (integer) is new and required`,
			"the event then has version 3", "type elsewhereV2 struct {\n\t\tCents int64 `json:\"cents\"`\n\t}",
			`talix.Event[Elsewhere]("BILLS:SETTLED",`, `talix.Was(func(old elsewhereV2) Elsewhere {`, "its Was until now, whose last upcaster returns elsewhereV2",
		}},
		"a field has another type": {with(0, talix.Event[Recharged]("BILLS:CHARGED")), []string{
			`the field "at" was time and is string; the field "key" (bytes) is gone; the field "lines[].price" was integer and is string;`,
			`the field "lines[].vat" (integer) is new and required, but what is stored lacks it`,
			`the field "note" was optional and is required`, "\t\tAt time.Time `json:\"at\"`", "\t\tLines []json.RawMessage `json:\"lines\"`",
			"\t\tPayer json.RawMessage `json:\"payer\"`", "\t\tRate float64 `json:\"rate,string\"`", "\t\tTags map[string]string `json:\"tags\"`",
			"talix.Event[Recharged](\"BILLS:CHARGED\",\n\t\ttalix.Was(func(old rechargedV1) Recharged {\n\t\t\treturn Recharged{…}\n\t\t}))",
		}},
		"it is no integer any more": {with(2, talix.Event[Recounted]("BILLS:COUNTED")), []string{`the field "." was integer and is string`, "type recountedV1 int64"}},
		"the type is gone": {with(2), []string{
			`event "BILLS:COUNTED" of entity "bill" is gone, but such events are stored`, `talix.Retired[Bill]("BILLS:COUNTED")`,
			`talix.Event[…]("…").Renamed("BILLS:COUNTED")`, `talix.Became("BILLS:COUNTED", func(old …) []talix.EventFor[Bill] {`,
		}},
		"the type was renamed": {with(2, talix.Event[Counted]("BILLS:SUMMED")), []string{`talix.Event[…]("BILLS:SUMMED").Renamed("BILLS:COUNTED")`}},
		"an older name is gone": {with(1, settled()), []string{
			`event "BILLS:SETTLED" of entity "bill" was called "BILLS:PAID" before, and is stored under that name, too: write talix.Event[…]("BILLS:SETTLED").Renamed("BILLS:PAID")`,
		}},
		"the version is lower": {with(1, talix.Event[Settled]("BILLS:SETTLED").Renamed("BILLS:PAID")), []string{
			`event "BILLS:SETTLED" of entity "bill" is stored up to its version 2, and the code knows it up to version 1`,
		}},
		"a type of the past changed": {with(1, talix.Event[Settled]("BILLS:SETTLED", talix.Was(func(settledV1) Settled { return Settled{} })).Renamed("BILLS:PAID")), []string{
			`event "BILLS:SETTLED" of entity "bill": the field "euros" (integer) is gone; the field "cents" (string) is new and required`, "in the type of its version 1, which is one of the past and stays as it was",
		}},
		"an upcaster panics": {with(1, talix.Event[Settled]("BILLS:SETTLED", talix.Was(func(settledV0) Settled { panic("a bug") })).Renamed("BILLS:PAID")), []string{
			`event "BILLS:SETTLED" of entity "bill": a document of its version 1 can't be read: upcast version 1 of event BILLS:SETTLED: panic: a bug`, `{"euros":18}`,
		}},
		"a reducer panics":   {with(2, talix.Event[Panicking]("BILLS:COUNTED")), []string{`a document of its version 1 can't be folded into a new state`, `"alone": false`, "17"}},
		"the entity is gone": {talix.NewEntity("invoice", program()...), []string{`entity "bill" is gone, but its events are stored`}},
		"a fault":            {bills(append(program(), talix.Event[Counted]("BILLS:AGAIN"))...), []string{"stands for the events"}},
	}
}

// news are changes that the file is to know.
func news() map[string]change {
	return map[string]change{
		"an upcaster changed": {with(5, talix.Became("BILLS:SPLIT", func(old settledV0) []talix.EventFor[Bill] { return []talix.EventFor[Bill]{Divided{old.Euros}} })), []string{
			"testdata/bills.json is behind the code", `version 1 of event "BILLS:SPLIT" is something else by now: its document`, `{"euros":18}`,
			`BILLS:DIVIDED {"by":18}, BILLS:DIVIDED {"by":2}`, "raise the CodeVersion of the entity",
		}},
		"nothing becomes something": {with(6, talix.Became("BILLS:LOST", func(old settledV0) []talix.EventFor[Bill] { return []talix.EventFor[Bill]{Settled{old.Euros}} })), []string{
			`version 1 of event "BILLS:LOST" is something else by now`,
		}},
		"news":          {bills(append(program(), talix.Event[Elsewhere]("BILLS:NEW"))...), []string{`event "BILLS:NEW" of entity "bill" is new`, "TALIX_UPDATE=1"}},
		"a new version": {with(2, talix.Event[Recounted]("BILLS:COUNTED", talix.Was(func(Counted) Recounted { return "" }))), []string{`version 2 of event "BILLS:COUNTED" of entity "bill" is new`}},
		"an optional field": {with(1, talix.Event[Noted]("BILLS:SETTLED", wasSettled[Noted]()).Renamed("BILLS:PAID")), []string{
			`version 2 of event "BILLS:SETTLED" of entity "bill" has other fields`,
		}},
		"a wider number": {with(1, talix.Event[Widened]("BILLS:SETTLED", wasSettled[Widened]()).Renamed("BILLS:PAID")), []string{`version 2 of event "BILLS:SETTLED" of entity "bill" has other fields`}},
		"it was renamed": {with(2, talix.Event[Counted]("BILLS:SUMMED").Renamed("BILLS:COUNTED")), []string{`event "BILLS:COUNTED" of entity "bill" was renamed to "BILLS:SUMMED"`}},
		"one more name":  {with(2, talix.Event[Counted]("BILLS:COUNTED").Renamed("BILLS:ADDED")), []string{`event "BILLS:COUNTED" of entity "bill" was called "BILLS:ADDED" before`}},
		"it is retired":  {with(2, talix.Retired[Bill]("BILLS:COUNTED")), []string{`event "BILLS:COUNTED" of entity "bill" is retired`}},
		"it became":      {with(2, talix.Became("BILLS:COUNTED", func(Counted) []talix.EventFor[Bill] { return nil })), []string{`event "BILLS:COUNTED" of entity "bill" is other events by now`}},
		"it came back":   {with(4, talix.Event[Elsewhere]("BILLS:SEEN")), []string{`event "BILLS:SEEN" of entity "bill" is stored again`}},
		"a new entity": {talix.Service{Name: "more", Components: talix.Components{
			talix.NewEntity("bill", program()...), talix.NewEntity("other", talix.Event[Shut]("OTHER:SHUT")),
		}}, []string{`entity "other" is new`}},
	}
}

// What a program does to the events of the file is told, each with its mend.
func TestChangesOfEvents(t *testing.T) {
	t.Parallel()
	tell := func(name string, c change, behind bool) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := failing(func(t talixtest.T) { talixtest.Compatible(t, billsFile, c.part) })
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("it does not tell %q:\n%s", want, got)
				}
			}
			if strings.Contains(got, billsFile+" is behind the code") != behind {
				t.Errorf("it is not told rightly whether it is a fault:\n%s", got)
			}
		})
	}
	for name, c := range broken() {
		tell(name, c, false)
	}
	for name, c := range news() {
		tell(name, c, true)
	}
}

type (
	Elsewhere struct {
		Sum int64 `json:"sum"`
	}
	Recharged struct {
		Cents  float64           `json:"cents"`
		Note   string            `json:"note"`
		At     string            `json:"at"`
		Lines  []Reline          `json:"lines"`
		Tags   map[string]string `json:"tags"`
		Rate   float64           `json:"rate,string"`
		Color  string            `json:"color"`
		Payer  *Payer            `json:"payer"`
		Source string            `json:"source"`
	}
	Reline struct {
		Text  string `json:"text"`
		Price string `json:"price"`
		VAT   int    `json:"vat"`
	}
	Recounted string
	Panicking int
	Noted     struct {
		Cents int64   `json:"cents"`
		Note  *string `json:"note"`
	}
	Widened struct {
		Cents float64 `json:"cents"`
	}
	Shut struct{}
)

func (Elsewhere) Apply(*Bill, talix.Meta) {}
func (Recharged) Apply(*Bill, talix.Meta) {}
func (Recounted) Apply(*Bill, talix.Meta) {}
func (Panicking) Apply(*Bill, talix.Meta) { panic("a bug") }
func (Noted) Apply(*Bill, talix.Meta)     {}
func (Widened) Apply(*Bill, talix.Meta)   {}
func (Shut) Apply(*Tab, talix.Meta)       {}

func wasSettled[E any]() talix.Past[E] { return talix.Was(func(settledV0) (e E) { return e }) }

// A file is written, kept where something is wrong, and keeps what the code does
// not tell any more: the fields and documents of old versions.
func TestCompatibleWritesTheFile(t *testing.T) {
	t.Setenv("TALIX_UPDATE", "1")
	file := filepath.Join(t.TempDir(), "testdata", "events.json")
	step := func(events ...talix.EventType[Bill]) (failures, written string) {
		failures = failing(func(t talixtest.T) { talixtest.Compatible(t, file, bills(events...)) })
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		return failures, string(data)
	}
	failures, first := step(talix.Event[Settled]("BILLS:SETTLED"))
	if failures != "" || !strings.Contains(first, `"cents": "integer"`) || !strings.Contains(first, `"cents": 18`) {
		t.Errorf("%s\n%s", failures, first)
	}
	if failures, got := step(talix.Event[Elsewhere]("BILLS:SETTLED")); !strings.Contains(failures, "is gone") || got != first {
		t.Errorf("%s\n%s", failures, got)
	}
	raw := talix.WasFields[Elsewhere](func(f talix.Fields) error { f["sum"] = f["cents"]; return nil })
	failures, got := step(talix.Event[Elsewhere]("BILLS:MOVED", raw).Renamed("BILLS:SETTLED"))
	for _, want := range []string{`"names": [`, `"BILLS:SETTLED"`, `"cents": "integer"`, `"sum": "integer"`, `"cents": 18`, `"becomes": [`, `"sum": 18`} {
		if !strings.Contains(got, want) || failures != "" {
			t.Errorf("%s\nthere is no %s in %s", failures, want, got)
		}
	}
	if failures, again := step(talix.Event[Elsewhere]("BILLS:MOVED", raw).Renamed("BILLS:SETTLED")); failures != "" || again != got {
		t.Errorf("%s\n%s", failures, again)
	}
	failures, got = step(talix.Retired[Bill]("BILLS:MOVED").Renamed("BILLS:SETTLED"))
	if failures != "" || !strings.Contains(got, `"state": "retired"`) || !strings.Contains(got, `"cents": 18`) {
		t.Errorf("%s\n%s", failures, got)
	}
	t.Setenv("TALIX_UPDATE", "")
	if failures, _ := step(talix.Retired[Bill]("BILLS:MOVED").Renamed("BILLS:SETTLED")); failures != "" {
		t.Error(failures)
	}
	if failures, _ := step(talix.Event[Elsewhere]("BILLS:MOVED", talix.Was(func(e Settled) Elsewhere { return Elsewhere{e.Cents} }))); !strings.Contains(failures, `was called "BILLS:SETTLED" before`) {
		t.Error(failures)
	}
}

func TestCompatibleWithoutAFile(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none.json")
	if got := failing(func(t talixtest.T) { talixtest.Compatible(t, missing, bills(program()...)) }); !strings.Contains(got, "there is no "+missing) || !strings.Contains(got, "TALIX_UPDATE=1") {
		t.Error(got)
	}
	broken := filepath.Join(t.TempDir(), "broken.json")
	for _, text := range []string{`{`, `{"unknown":1}`, `[]`} {
		if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := failing(func(t talixtest.T) { talixtest.Compatible(t, broken, bills(program()...)) }); !strings.Contains(got, "broken.json is no file of events") {
			t.Error(text, got)
		}
	}
}

// The documents of the file are real ones.
func TestDocumentsOfTheFile(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(billsFile)
	if err != nil {
		t.Fatal(err)
	}
	var f struct {
		Entities map[string]map[string]struct {
			Versions []struct {
				Fields   map[string]string
				Examples []struct {
					Data  json.RawMessage
					Alone *bool
				}
			}
		}
	}
	if err := json.Unmarshal(data, &f); err != nil {
		t.Fatal(err)
	}
	of := f.Entities["bill"]
	charged := of["BILLS:CHARGED"].Versions[0]
	want := map[string]string{
		"at": "time", "cents": "integer", "color": "string", "key": "bytes", "lines": "array of object", "lines[].price": "integer", "lines[].text": "string",
		"note": "string, optional", "payer": "object, optional", "payer.name": "string", "payer.other": "any", "payer.parent": "object, optional",
		"payer.ways": "array of boolean", "rate": "number in a string", "source": "string", "tags": "map of string, optional",
	}
	if got, _ := json.Marshal(charged.Fields); string(got) != string(must(json.Marshal(want))) {
		t.Errorf("fields %s", got)
	}
	var c Charged
	if err := json.Unmarshal(charged.Examples[0].Data, &c); err != nil || c.Cents == 0 || len(c.Lines) != 1 || c.Payer == nil || c.hidden != 0 {
		t.Errorf("%+v, %v", c, err)
	}
	if divided := of["BILLS:DIVIDED"].Versions[0].Examples[0]; divided.Alone == nil || *divided.Alone {
		t.Error("an event that can't be folded alone is folded")
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}
