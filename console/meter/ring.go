package meter

import (
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/store"
)

// Record is one operation that ended.
type Record struct {
	Seq           uint64 // rises with each record
	Kind          talix.Kind
	Service, Name string
	EntityID      string // of a command
	Caller        string // the action that ran it
	Correlation   store.ID
	Causation     store.ID
	Command       store.ID
	Requested     bool // a request triggered it
	Started       time.Time
	Duration      time.Duration
	Events        int
	Code          talix.Code // empty: it succeeded
	Err           string
}

// ring keeps the last records.
type ring struct {
	mu  sync.Mutex
	seq uint64
	all []Record
}

func newRing(n int) *ring { return &ring{all: make([]Record, n)} }

func (r *ring) add(report *talix.Report) {
	code, text := failureOf(report.Err) // outside of the lock: it may take long
	r.mu.Lock()
	defer r.mu.Unlock()
	r.all[r.seq%uint64(len(r.all))] = Record{
		Seq: r.seq + 1, Kind: report.Kind, Service: report.Service, Name: report.Name, EntityID: report.EntityID, Caller: report.Caller,
		Correlation: report.CorrelationID, Causation: report.CausationID, Command: report.CommandID, Requested: report.Header != nil,
		Started: report.Started, Duration: report.Duration, Events: report.Events, Code: code, Err: text,
	}
	r.seq++
}

// maxErr bounds the text of a failure, in bytes.
const maxErr = 4096

// failureOf is for operators: they see what an unexpected failure came from,
// which callers are not told.
func failureOf(err error) (talix.Code, string) {
	if err == nil {
		return "", ""
	}
	code, text := talix.CodeInternal, err.Error()
	if e, ok := errors.AsType[*talix.Error](err); ok {
		code, text = e.Code, strings.TrimPrefix(text, string(e.Code)+": ")
		if e.Cause != nil && code == talix.CodeInternal {
			text = e.Cause.Error()
		}
	}
	if len(text) > maxErr {
		text = text[:maxErr] + "…"
	}
	return code, text
}

// newest gives records, the newest first, until each says that it has enough.
func (r *ring) newest(each func(*Record) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	size := uint64(len(r.all))
	for n := uint64(0); n < min(r.seq, size); n++ {
		if !each(&r.all[(r.seq-1-n)%size]) {
			return
		}
	}
}

// Recent are up to most records, the newest first, of those that want accepts.
// want must be quick: reports wait for it.
func (m *Meter) Recent(most int, want func(*Record) bool) []Record { return take(m.recent, most, want) }

// Failures are up to most records of what failed, the newest first.
func (m *Meter) Failures(most int) []Record {
	return take(m.failed, most, func(*Record) bool { return true })
}

func take(r *ring, most int, want func(*Record) bool) (all []Record) {
	if most <= 0 {
		return nil
	}
	r.newest(func(rec *Record) bool {
		if want(rec) {
			all = append(all, *rec)
		}
		return len(all) < most
	})
	return all
}

// Seq rises with each operation that is remembered: where it is the same, the
// same is remembered.
func (m *Meter) Seq() uint64 {
	m.recent.mu.Lock()
	defer m.recent.mu.Unlock()
	return m.recent.seq
}
