// Package load is the clients of a bank under torture, and what they know of
// what became of their requests.
package load

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// Kind is what was asked for.
type Kind string

// Kinds.
const (
	Deposit  Kind = "deposit"
	Withdraw Kind = "withdraw"
	Read     Kind = "read"
	Exchange Kind = "exchange" // from one account to another in one append
	Transfer Kind = "transfer" // the same by a workflow
)

// Outcome is what a client knows in the end.
type Outcome string

// Outcomes.
const (
	Done     Outcome = "done"
	Rejected Outcome = "rejected" // the account holds too little, or there is none
	Unknown  Outcome = "unknown"  // no answer came that tells
)

// Balance is what an account held after a request.
type Balance struct {
	Balance int64 `json:"balance"`
	Version int64 `json:"version"`
}

// Op is one request, sent again under its key until it was answered. No two
// requests that change something have the same amount: it tells them apart in
// the log.
type Op struct {
	Client   int           `json:"client"`
	Kind     Kind          `json:"kind"`
	Account  string        `json:"account"`
	To       string        `json:"to,omitempty"` // of exchanges and transfers
	Amount   int64         `json:"amount,omitempty"`
	Call     time.Duration `json:"call"` // since the start
	Return   time.Duration `json:"return"`
	Attempts int           `json:"attempts"`
	Outcome  Outcome       `json:"outcome"`
	After    Balance       `json:"after"`
	ToAfter  Balance       `json:"toAfter,omitzero"`
	Transfer string        `json:"transfer,omitempty"` // its id
	Node     string        `json:"node"`               // that was asked last
}

// History is what happened. Its methods may be called from many goroutines.
type History struct {
	mu       sync.Mutex
	ops      []Op
	problems []string
}

func (h *History) add(op Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, op)
}

// maxProblems bounds how much is told of one fault.
const maxProblems = 100

// problem notes an answer that should never come.
func (h *History) problem(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.problems) < maxProblems {
		h.problems = append(h.problems, fmt.Sprintf(format, args...))
	}
}

// Ops are all requests, in the order in which they ended.
func (h *History) Ops() []Op {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.ops)
}

// Problems are answers that should never have come.
func (h *History) Problems() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.problems)
}

// Write writes one line of JSON for each request.
func (h *History) Write(w io.Writer) error {
	out := json.NewEncoder(w)
	for _, op := range h.Ops() {
		if err := out.Encode(op); err != nil {
			return fmt.Errorf("write history: %w", err)
		}
	}
	return nil
}
