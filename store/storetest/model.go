package storetest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/talix-dev/talix/store"
)

func modelCases() []testCase {
	return []testCase{{name: "RandomCallsMatchTheModel", run: randomCallsMatchTheModel}}
}

// model drives a store and a reference with the same random calls.
type model struct {
	*fixture
	random     *rand.Rand
	references map[store.Partition]*reference
	keys       []store.ID // few, so that repeats are frequent
	keeps      bool       // the store is a Keeper
	trace      []string
}

func randomCallsMatchTheModel(f *fixture) {
	m := &model{fixture: f, random: rand.New(rand.NewPCG(f.rand.Uint64(), 2)), references: map[store.Partition]*reference{}}
	_, m.keeps = f.store.(store.Keeper)
	for _, p := range f.some() {
		m.references[p] = newReference()
	}
	for i := range 150 {
		if i%10 == 0 {
			m.keys = append(m.keys, f.id())
		}
		m.step()
		if f.Failed() {
			f.Fatalf("after these calls:\n%s", strings.Join(m.trace, "\n"))
		}
	}
	for p := range m.references {
		m.compare(p)
	}
}

func (m *model) step() {
	m.Helper()
	ps := m.some()
	switch p := ps[m.random.IntN(len(ps))]; m.random.IntN(30) {
	case 0:
		m.forget()
	case 1:
		m.compare(p)
	case 2:
		if m.features.Durable {
			m.note("reopen")
			m.reopen()
		}
	default:
		m.call(p)
	}
}

func (m *model) note(format string, args ...any) {
	m.trace = append(m.trace, fmt.Sprintf(format, args...))
}

// call commits up to six random batches and compares the outcomes.
func (m *model) call(p store.Partition) {
	m.Helper()
	ahead := map[store.Stream]store.Version{} // what the caller believes
	revs := map[string]store.ID{}
	batches := make([]store.Batch, 1+m.random.IntN(6))
	for i := range batches {
		batches[i] = m.randomBatch(p, ahead)
		if m.keeps && m.random.IntN(3) == 0 {
			batches[i].Records = m.randomChanges(p, revs)
		}
	}
	got := m.commit(p, batches...) // first, since it sets positions
	want := m.references[p].commit(batches)
	m.note("commit to %d: %v: want %v", p, brief(batches), want)
	for i := range got {
		if got[i].Status != want[i].Status || string(got[i].Result) != string(want[i].Result) {
			m.Errorf("batch %d ended as %v %q (%v), want %v %q",
				i, got[i].Status, got[i].Result, got[i].Err, want[i].Status, want[i].Result)
		}
	}
}

func (m *model) randomBatch(p store.Partition, ahead map[store.Stream]store.Version) store.Batch {
	b := store.Batch{Time: noon().Add(time.Duration(m.random.IntN(1000)) * time.Microsecond)}
	for _, i := range m.random.Perm(4)[:m.random.IntN(3)] {
		b.Appends = append(b.Appends, m.randomAppend(p, m.stream(p, fmt.Sprint("s", i)), ahead))
	}
	if m.random.IntN(3) == 0 {
		b.Key = m.keys[m.random.IntN(len(m.keys))]
		b.Result = fmt.Append(nil, m.random.IntN(1000))
	}
	if m.random.IntN(4) == 0 {
		consumer := fmt.Sprint("c", m.random.IntN(2))
		from := m.references[p].marks[consumer]
		if m.random.IntN(4) == 0 {
			from++
		}
		b.Marks = []store.Mark{{Consumer: consumer, From: from, To: store.Position(1 + m.random.IntN(9))}}
	}
	return b
}

// randomAppend goes on from what the caller believes, most of the time.
func (m *model) randomAppend(p store.Partition, s store.Stream, ahead map[store.Stream]store.Version) store.Append {
	at, known := ahead[s]
	if !known {
		at = store.Version(len(m.references[p].streams[s]))
	}
	if m.random.IntN(6) == 0 {
		at = max(0, at+store.Version(m.random.IntN(3)-1))
	}
	a := m.adds(s, at, m.random.IntN(4))
	ahead[s] = at + store.Version(len(a.Events))
	return a
}

// randomChanges go on from what the caller believes, most of the time.
func (m *model) randomChanges(p store.Partition, revs map[string]store.ID) (changes []store.Change) {
	keys := []string{"a/1", "a/2", "b", "a"}
	if m.random.IntN(6) == 0 {
		changes, keys = append(changes, removeUnder("a/")), keys[2:]
		revs["a/1"], revs["a/2"] = store.ID{}, store.ID{}
	}
	for _, i := range m.random.Perm(len(keys))[:1+m.random.IntN(2)] {
		from, known := revs[keys[i]]
		if !known {
			from = m.references[p].records[keys[i]].Rev
		}
		c := m.randomChange(keys[i], from)
		revs[keys[i]] = c.Rev
		changes = append(changes, c)
	}
	return changes
}

func (m *model) randomChange(key string, from store.ID) store.Change {
	c := remove(key, from)
	if m.random.IntN(3) > 0 {
		c = put(m.job(key, fmt.Sprint(m.random.IntN(1000))), from)
	}
	if c.Op == store.Put && m.random.IntN(2) == 0 {
		c.Due = noon().Add(time.Duration(m.random.IntN(5)-2) * time.Microsecond)
	}
	switch m.random.IntN(8) {
	case 0:
		c.From = m.id()
	case 1:
		c.From, c.Blind = store.ID{}, true
	}
	return c
}

// forget trims in both. Only a full trim says which results are left.
func (m *model) forget() {
	m.Helper()
	before := noon().Add(time.Duration(m.random.IntN(1000)) * time.Microsecond)
	m.note("trim before %v", before)
	want := 0
	for _, r := range m.references {
		for key, b := range r.results {
			if b.Time.Before(before) {
				delete(r.results, key)
				want++
			}
		}
	}
	m.trim(before, 1<<20, want)
}

// compare holds everything that the store knows of a partition against the
// reference.
func (m *model) compare(p store.Partition) {
	m.Helper()
	r := m.references[p]
	if err := sameEvents(m.scan(p), r.log); err != nil {
		m.Errorf("log of partition %d: %v", p, err)
	}
	for s, want := range r.streams {
		after := m.random.IntN(len(want) + 1)
		if err := sameEvents(m.load(s, store.Version(after)), want[after:]); err != nil {
			m.Errorf("load %v after %d: %v", s, after, err)
		}
	}
	for _, key := range m.keys {
		if b, known := r.results[key]; known {
			m.wantResult(p, key, string(b.Result))
		} else {
			m.wantNoResult(p, key)
		}
	}
	for _, consumer := range []string{"c0", "c1"} {
		m.wantMark(consumer, p, r.marks[consumer])
	}
	if m.keeps {
		m.wantRecords(p, jobs, r.kept()...)
		m.wantDue(p, jobs, noon(), r.due(noon())...)
		m.wantDue(p, jobs, time.Time{}, r.due(time.Time{})...)
	}
}

// brief tells of batches what decides about their outcome.
func brief(batches []store.Batch) []string {
	var out []string
	for _, b := range batches {
		s := ""
		for _, a := range b.Appends {
			s += fmt.Sprintf("%v@%d+%d ", a.Stream.ID, a.Expect, len(a.Events))
		}
		if !b.Key.IsZero() {
			s += "key " + b.Key.String()[:4] + " "
		}
		for _, c := range b.Records {
			s += fmt.Sprintf("%d:%s@%.4v>%.4v(%t) ", c.Op, c.Key, c.From, c.Rev, c.Blind)
		}
		out = append(out, fmt.Sprint(s, b.Marks))
	}
	return out
}
