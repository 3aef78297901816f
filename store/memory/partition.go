package memory

import (
	"bytes"
	"slices"
	"sort"
	"sync"
	"time"

	"github.com/talix-dev/talix/store"
)

// partition is one log with its indexes. An event in the log never changes, so
// readers keep a slice of it when they have let go of the lock.
type partition struct {
	number store.Partition
	of     int // partitions of the store

	mu      sync.RWMutex
	log     []store.Event
	next    store.Position
	streams map[store.Stream][]int // indexes into log, by version
	results results
	marks   map[string]store.Position
	spaces  map[string]*space
	late    []lateCommit // what UnknownLate holds back
	owner   string       // empty: none
	epoch   store.Epoch
}

type lateCommit struct {
	batches []store.Batch
	epoch   store.Epoch
}

func newPartition(number store.Partition, of int) *partition {
	return &partition{
		number: number, of: of, next: 1,
		streams: map[store.Stream][]int{},
		results: results{byKey: map[store.ID]*result{}},
		marks:   map[string]store.Position{},
		spaces:  map[string]*space{},
	}
}

func (p *partition) commit(batches []store.Batch, epoch store.Epoch, fault Fault) []store.Outcome {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.catchUp()
	switch fault.Kind {
	case Fail:
		return all(batches, store.Outcome{Status: store.Failed, Err: fault.Err})
	case UnknownWritten:
		p.writeUnder(epoch, clone(batches)) // a copy: the caller does not learn positions
	case UnknownLate:
		p.late = append(p.late, lateCommit{clone(batches), epoch})
	case UnknownLost:
	default:
		return p.writeUnder(epoch, batches)
	}
	return all(batches, store.Outcome{Status: store.Unknown, Err: fault.Err})
}

// writeUnder writes what is committed under an epoch, unless it is fenced.
func (p *partition) writeUnder(epoch store.Epoch, batches []store.Batch) []store.Outcome {
	if err := p.fenced(epoch); err != nil {
		return all(batches, store.Outcome{Status: store.Failed, Err: err})
	}
	return p.write(batches)
}

// catchUp writes what was held back.
func (p *partition) catchUp() {
	for _, l := range p.late {
		p.writeUnder(l.epoch, l.batches)
	}
	p.late = nil
}

// clone copies as deep as write changes and keeps what it is given.
func clone(batches []store.Batch) []store.Batch {
	batches = slices.Clone(batches)
	for i := range batches {
		b := &batches[i]
		b.Result, b.Marks, b.Records = bytes.Clone(b.Result), slices.Clone(b.Marks), slices.Clone(b.Records)
		b.Appends = slices.Clone(b.Appends)
		for j := range b.Appends {
			b.Appends[j].Events = slices.Clone(b.Appends[j].Events)
		}
	}
	return batches
}

// stream gives the log and the indexes of one stream's events above after.
func (p *partition) stream(name store.Stream, after store.Version) ([]store.Event, []int) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	index := p.streams[name]
	return p.log, index[min(max(after, 0), store.Version(len(index))):]
}

func (p *partition) page(after store.Position, max int) []store.Event {
	p.mu.RLock()
	defer p.mu.RUnlock()
	from := sort.Search(len(p.log), func(i int) bool { return p.log[i].Position > after })
	return slices.Clone(p.log[from:][:min(max, len(p.log)-from)])
}

func (p *partition) end() store.Position {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if len(p.log) == 0 {
		return 0
	}
	return p.log[len(p.log)-1].Position
}

func (p *partition) result(key store.ID) ([]byte, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	r, ok := p.results.byKey[key]
	if !ok {
		return nil, false
	}
	return bytes.Clone(r.value), true
}

func (p *partition) trim(before time.Time, max int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.results.trim(before, max)
}

func (p *partition) mark(consumer string) (store.Position, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	at, ok := p.marks[consumer]
	return at, ok
}
