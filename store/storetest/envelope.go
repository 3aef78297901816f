package storetest

import (
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

func envelopeCases() []testCase {
	return []testCase{
		{name: "EveryFieldRoundTrips", run: everyFieldRoundTrips},
		{name: "ZeroFieldsRoundTrip", run: zeroFieldsRoundTrip},
		{name: "MetadataNilOrEmpty", run: metadataNilOrEmpty},
		{name: "FieldsAreEachEventsOwn", run: fieldsAreEachEventsOwn},
		{name: "DataRoundTripsByteByByte", run: dataRoundTripsByteByByte},
		{name: "TimesAreExactToTheMicrosecond", run: timesAreExactToTheMicrosecond},
		{name: "FinerTimesAreCut", run: finerTimesAreCut},
	}
}

// roundTrip commits the events to a stream of their own and compares what Load
// and Log say with what was committed, placed as Commit placed it.
func (f *fixture) roundTrip(s store.Stream, events ...store.Event) {
	f.Helper()
	p := store.PartitionOf(s, f.store.Partitions())
	before, err := f.store.Head(f.Context(), p)
	if err != nil {
		f.Fatalf("read head: %v", err)
	}
	for i := range events {
		events[i].Stream, events[i].Version = s, store.Version(i+1)
	}
	f.durable(p, store.Batch{Appends: []store.Append{{Stream: s, Events: events}}})
	if err := sameEvents(f.load(s, 0), events); err != nil {
		f.Errorf("Load of %.80q: %v", s, err)
	}
	logged, err := f.store.Log(f.Context(), p, before, len(events)+1)
	if err != nil {
		f.Fatalf("read log: %v", err)
	}
	if err := sameEvents(logged, events); err != nil {
		f.Errorf("Log of %.80q: %v", s, err)
	}
}

func everyFieldRoundTrips(f *fixture) {
	s := f.stream(f.home(), "full")
	e := store.Event{
		ID: f.id(), Type: "DOCUMENTS:DOCUMENT_CREATED", Schema: 7,
		Time: noon(), Command: f.id(), Correlation: f.id(), Causation: f.id(),
		Metadata: []byte(`{"user":"Zoë","trace":"00-ab"}`), Data: []byte(`{"name":"x"}`),
	}
	other := f.event(s, 2)
	other.Type, other.Schema, other.Metadata = "ÄNDERUNG: \t\"'%_", 1<<30, []byte(`{"a":"b"}`)
	other.ID, other.Command = store.ID{15: 1}, store.ID{0: 0xff, 15: 0xff}
	f.roundTrip(s, e, other)
}

func zeroFieldsRoundTrip(f *fixture) {
	f.roundTrip(f.stream(f.home(), "zero"), store.Event{ID: f.id(), Type: "T", Schema: 1, Data: []byte(`{}`)})
}

func metadataNilOrEmpty(f *fixture) {
	s := f.stream(f.home(), "metadata")
	none, empty := f.event(s, 1), f.event(s, 2)
	empty.Metadata = []byte(`{}`)
	f.roundTrip(s, none, empty)
}

// fieldsAreEachEventsOwn, whatever the event before it had in their place.
func fieldsAreEachEventsOwn(f *fixture) {
	s := f.stream(f.home(), "own")
	var events []store.Event
	for i := range 3 * 3 * 2 * 2 * 2 {
		e, command := f.event(s, 0), f.id()
		ids := []store.ID{{}, command, f.id()}
		e.Command, e.Correlation, e.Causation = command, ids[i%3], ids[i/3%3]
		if i/9%2 == 0 {
			e.Metadata = []byte(`{"n":"1"}`)
		}
		if i/18%2 == 0 {
			e.ID = store.ID{}
		}
		if e.Schema = 1 + i%2; i/36%2 == 0 {
			e.Type = "THINGS:THING_LEFT"
		}
		events = append(events, e)
	}
	f.rand.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
	f.roundTrip(s, events...)
}

// dataRoundTripsByteByByte: a store keeps JSON as it was written.
func dataRoundTripsByteByByte(f *fixture) {
	s := f.stream(f.home(), "data")
	var events []store.Event
	for _, data := range []string{
		`null`, `0`, `""`, `[]`, `12345678901234567890.10`, `{ "b" : 1,  "a":1.0, "a":2 }` + "\n",
		`"` + strings.Repeat("x", 70000) + `"`, "\"\u0000ÿ漢字\U0001F600\"", `"\u0000 \u2028"`,
	} {
		e := f.event(s, 0)
		e.Data = []byte(data)
		e.Metadata = []byte(`{ "z" : "` + strings.Repeat("é", len(data)%500) + `", "a":"" }`)
		events = append(events, e)
	}
	f.roundTrip(s, events...)
}

func timesAreExactToTheMicrosecond(f *fixture) {
	s := f.stream(f.home(), "times")
	var events []store.Event
	for _, t := range []time.Time{
		{}, time.Unix(0, 0), time.UnixMicro(-1), time.UnixMicro(1), noon(), noon().Add(time.Microsecond),
		time.Date(1600, 1, 1, 0, 0, 0, 1000, time.UTC), time.Date(2300, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC),
	} {
		e := f.event(s, 0)
		e.Time = t.UTC()
		events = append(events, e)
	}
	f.roundTrip(s, events...)
}

// finerTimesAreCut: the store may round what it cannot keep, and no more.
func finerTimesAreCut(f *fixture) {
	p := f.home()
	s := f.stream(p, "fine")
	b := f.batch(s, 0, 1)
	b.Appends[0].Events[0].Time = noon().Add(123)
	f.durable(p, b)
	got := f.load(s, 0)[0].Time
	if d := got.Sub(noon()); d < 0 || d > time.Microsecond || got.Location() != time.UTC {
		f.Errorf("time is %v, want within a microsecond after %v", got, noon())
	}
}
