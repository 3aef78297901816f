package work

import (
	"encoding/json"
	"time"

	"github.com/talix-dev/talix/store"
)

// Item is one piece of work: a run of an action that has to happen, or to be
// gone on with, at a time. It is kept as JSON in a record.
type Item struct {
	ID        string          `json:"-"` // the record's key; unique within the partition
	Partition store.Partition `json:"-"`
	Rev       store.ID        `json:"-"` // the record's
	// Due is when it is to be run; zero: not by time. Of finished work it is
	// when it is forgotten.
	Due time.Time `json:"-"`

	Kind     Kind      `json:"kind"`
	Action   string    `json:"action"` // the action that runs
	Status   Status    `json:"status"`
	Created  time.Time `json:"created"`
	Changed  time.Time `json:"changed"`            // when the record was last written
	Attempts int       `json:"attempts,omitempty"` // failed ones since it last went on
	Error    string    `json:"error,omitempty"`    // of the last attempt
	Code     string    `json:"code,omitempty"`     // of Error
	Failing  time.Time `json:"failing,omitzero"`   // when it began to fail; Policy counts by it

	// Of an event: which one is next. Of a message, Version is its place in its
	// lane.
	Stream  store.Stream  `json:"stream,omitzero"`
	Version store.Version `json:"version,omitempty"`

	Lane        string            `json:"lane,omitempty"` // what is done one after another
	Input       []byte            `json:"input,omitempty"`
	Header      map[string]string `json:"header,omitempty"`
	Output      []byte            `json:"output,omitempty"`
	Base        store.ID          `json:"base,omitzero"` // what the ids of its commands derive from
	Correlation store.ID          `json:"correlation,omitzero"`
	Causation   store.ID          `json:"causation,omitzero"`
	Carried     json.RawMessage   `json:"carried,omitempty"` // what goes along, as metadata of an event would

	// Run names the run that its journal and its signals belong to.
	Run     string `json:"run,omitempty"`
	Awaits  string `json:"awaits,omitempty"`  // the signal that it waits for
	Signals int    `json:"signals,omitempty"` // how many were sent to it
	Undo    bool   `json:"undo,omitempty"`    // it failed or was cancelled, and what it did is being undone
	Failure []byte `json:"failure,omitempty"` // why it failed for good, in the caller's form
	Cancel  bool   `json:"cancel,omitempty"`  // it was asked to end
	Hold    bool   `json:"hold,omitempty"`    // it was asked to pause
}

// Kind says what led to an item.
type Kind string

// The kinds.
const (
	Event    Kind = "event"    // events of one entity that an action failed at or waits in
	Message  Kind = "message"  // from a queue or an outside system
	Request  Kind = "request"  // an HTTP request that was answered before the work
	Timer    Kind = "timer"    // set by a command or an action
	Schedule Kind = "schedule" // due again and again
	Workflow Kind = "workflow" // started under an id
	Pour     Kind = "pour"     // past events of one partition that an action gets again
)

// Status says where an item stands.
type Status string

// The statuses.
const (
	Ready        Status = "ready"        // runs when it is due
	Waiting      Status = "waiting"      // for a signal or a time, in the middle of its steps
	Behind       Status = "behind"       // stands in a lane behind another item, which sees to it
	Parked       Status = "parked"       // failed for good until someone retries or skips it
	Suspended    Status = "suspended"    // someone paused it
	Compensating Status = "compensating" // failed or cancelled; what it did is being undone
	Done         Status = "done"
	Failed       Status = "failed"
	Cancelled    Status = "cancelled"
)

// runs tells whether an item of that status is run when it is due.
func (s Status) runs() bool { return s == Ready || s == Waiting || s == Compensating }

// Finished tells whether nothing will happen any more.
func (s Status) Finished() bool { return s == Done || s == Failed || s == Cancelled }
