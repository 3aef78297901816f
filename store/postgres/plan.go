package postgres

import "github.com/talix-dev/talix/store"

// plan is what a call of Commit comes to: how its batches end if the store is
// as expected, what the store then has to be like, and what is written.
type plan struct {
	outcomes []store.Outcome
	lines    []*line // streams, in order of appearance
	events   []placed
	keys     []*store.Batch // whose results are stored
	marks    []*step
	records  overlay
	bytes    int
}

// line is what happens to one stream.
type line struct {
	stream  store.Stream
	number  int64         // zero: not known, or not there yet
	trusted bool          // its version is known as long as the partition's head is
	from    store.Version // before
	version store.Version // after
	first   int           // distance of its first event from the partition's head
	events  []*store.Event
}

// isNew tells that the plan makes the stream.
func (l *line) isNew() bool { return l.from == 0 && l.version > 0 }

// placed is an event with its stream; its distance from the partition's head
// is its index plus one.
type placed struct {
	event *store.Event
	line  *line
}

// step moves a consumer's mark.
type step struct {
	consumer string
	from, to store.Position
}

// head is where a stream stands.
type head struct {
	number  int64
	version store.Version
}

// place is where an event stands.
type place struct {
	stream  store.Stream
	version store.Version
}

// world is what is known of the store.
type world struct {
	position store.Position // head of the partition
	epoch    int64
	streams  map[store.Stream]head
	places   map[place]store.ID // commands of events
	results  map[store.ID][]byte
	marks    map[string]store.Position
	revs     map[name]store.ID
}

// recall tells what is remembered of a stream; version is -1 if it is not
// known.
type recall func(store.Stream) (number int64, version store.Version)

// judge makes a plan.
//
// Without a world, it takes for granted that the store is as the first batch
// that touches something expects, which the statement that writes will check.
// It does so as long as each batch then holds; otherwise it gives up, and
// undecided tells so.
type judge struct {
	plan
	world     *world
	recall    recall
	streams   map[store.Stream]*line
	byKey     map[store.ID][]byte
	consumers map[string]*step
	lost      map[store.Stream]bool // streams of batches that were not Durable
	undecided bool
}

func newJudge(n int, w *world, r recall) *judge {
	j := &judge{world: w, recall: r, streams: make(map[store.Stream]*line, n), lost: map[store.Stream]bool{}}
	j.outcomes = make([]store.Outcome, n)
	j.plan.records.world = w
	return j
}

// decide judges one batch; fault is what is malformed about it.
func (j *judge) decide(i int, b *store.Batch, fault error) {
	o := store.Outcome{Status: store.Failed, Err: fault}
	if fault == nil {
		o = j.status(b)
	}
	j.outcomes[i] = o
	if o.Status == store.Durable {
		j.outcomes[i].Position = j.apply(b)
		return
	}
	for k := range b.Appends {
		j.lost[b.Appends[k].Stream] = true
	}
}

func (j *judge) status(b *store.Batch) store.Outcome {
	if result, ok := j.result(b); ok {
		return store.Outcome{Status: store.Duplicate, Result: append([]byte(nil), result...)}
	}
	if j.holds(b) {
		return store.Outcome{Status: store.Durable}
	}
	j.undecided = j.undecided || j.world == nil
	return store.Outcome{Status: store.Conflict}
}

// result is that of the same batch, if it was stored before.
func (j *judge) result(b *store.Batch) ([]byte, bool) {
	if b.Key.IsZero() {
		return nil, false
	}
	if result, ok := j.byKey[b.Key]; ok {
		return result, true
	}
	if j.world != nil {
		if result, ok := j.world.results[b.Key]; ok {
			return result, true
		}
	}
	if at, fresh := freshPlace(b); fresh && j.commandAt(at) == b.Key {
		return b.Result, true
	}
	return nil, false
}

// freshPlace is where the first event of a fresh batch belongs.
func freshPlace(b *store.Batch) (place, bool) {
	if !b.Fresh || len(b.Appends) == 0 || len(b.Appends[0].Events) == 0 {
		return place{}, false
	}
	return place{b.Appends[0].Stream, b.Appends[0].Expect + 1}, true
}

// commandAt is the command of the event at a place, or zero.
func (j *judge) commandAt(at place) store.ID {
	if l := j.streams[at.stream]; l != nil && at.version > l.from {
		if at.version <= l.version {
			return l.events[at.version-l.from-1].Command
		}
		return store.ID{}
	}
	if j.world == nil {
		return store.ID{}
	}
	return j.world.places[at]
}

// holds tells whether all that the batch expects is so.
func (j *judge) holds(b *store.Batch) bool {
	for i := range b.Appends {
		a := &b.Appends[i]
		if j.lost[a.Stream] || j.version(a) != a.Expect {
			return false
		}
	}
	for i := range b.Marks {
		if j.mark(b.Marks[i]) != b.Marks[i].From {
			return false
		}
	}
	return j.plan.records.hold(b.Records)
}

// version is that of the append's stream now.
func (j *judge) version(a *store.Append) store.Version {
	if l := j.streams[a.Stream]; l != nil {
		return l.version
	}
	if j.world != nil {
		return j.world.streams[a.Stream].version
	}
	number, version := j.recall(a.Stream)
	if version >= 0 {
		return version
	}
	if (number == 0) != (a.Expect == 0) {
		j.undecided = true // its number has to be looked up, or it is there already
	}
	return a.Expect
}

func (j *judge) mark(m store.Mark) store.Position {
	if s := j.consumers[m.Consumer]; s != nil {
		return s.to
	}
	if j.world != nil {
		return j.world.marks[m.Consumer]
	}
	return m.From
}

// apply adds the batch to the plan and returns the distance of its last event.
func (j *judge) apply(b *store.Batch) store.Position {
	last := 0
	for i := range b.Appends {
		a := &b.Appends[i]
		l := j.line(a)
		for k := range a.Events {
			last = j.add(l, &a.Events[k])
		}
	}
	if !b.Key.IsZero() && !b.Fresh {
		if j.byKey == nil {
			j.byKey = map[store.ID][]byte{}
		}
		j.byKey[b.Key] = b.Result
		j.keys = append(j.keys, b)
		j.bytes += len(b.Result)
	}
	for i := range b.Marks {
		j.step(b.Marks[i])
	}
	j.plan.records.apply(b.Records)
	return store.Position(last)
}

func (j *judge) line(a *store.Append) *line {
	l := j.streams[a.Stream]
	if l != nil {
		return l
	}
	l = &line{stream: a.Stream, from: a.Expect, version: a.Expect}
	if j.world != nil {
		l.number = j.world.streams[a.Stream].number
	} else {
		var version store.Version
		l.number, version = j.recall(a.Stream)
		l.trusted = version >= 0 && l.number != 0
	}
	j.streams[a.Stream] = l
	j.lines = append(j.lines, l)
	return l
}

func (j *judge) add(l *line, e *store.Event) (distance int) {
	j.events = append(j.events, placed{e, l})
	l.events = append(l.events, e)
	l.version++
	if len(l.events) == 1 {
		l.first = len(j.events)
	}
	j.bytes += len(e.Data) + len(e.Metadata) + 200
	return len(j.events)
}

func (j *judge) step(m store.Mark) {
	if s := j.consumers[m.Consumer]; s != nil {
		s.to = m.To
		return
	}
	if j.consumers == nil {
		j.consumers = map[string]*step{}
	}
	s := &step{m.Consumer, m.From, m.To}
	j.consumers[m.Consumer] = s
	j.marks = append(j.marks, s)
}

// writes tells whether the plan needs the store at all.
func (p *plan) writes() bool {
	return len(p.lines)+len(p.keys)+len(p.marks) > 0 || p.records.touched()
}
