package proof_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/torture/load"
	"github.com/talix-dev/talix/internal/torture/proof"
)

// story is what clients saw and what the database has.
type story struct {
	ops  []load.Op
	log  *proof.Log
	sink *proof.Sink
}

// good is a story in which everything is as it should be.
func good() *story {
	at := func(from, to int) (time.Duration, time.Duration) {
		return time.Duration(from) * time.Millisecond, time.Duration(to) * time.Millisecond
	}
	s := &story{sink: proof.NewSink(), log: &proof.Log{Heads: map[int64]int64{1: 3, 2: 3}, Rows: map[string]proof.Row{
		"a": {Balance: 70, Version: 2}, "t": {Balance: 400, Version: 2, Transit: 60}, "u": {Balance: 60, Version: 1, Transit: -60},
	}}}
	add := func(from, to int, op load.Op) {
		op.Call, op.Return = at(from, to)
		if op.Outcome == "" {
			op.Outcome = load.Done
		}
		op.Attempts = max(op.Attempts, 1)
		s.ops = append(s.ops, op)
	}
	add(0, 10, load.Op{Kind: load.Deposit, Account: "a", Amount: 100, After: load.Balance{Balance: 100, Version: 1}})
	add(20, 30, load.Op{Kind: load.Read, Account: "a", After: load.Balance{Balance: 100, Version: 1}})
	add(40, 50, load.Op{Kind: load.Withdraw, Account: "a", Amount: 30, After: load.Balance{Balance: 70, Version: 2}})
	add(60, 70, load.Op{Kind: load.Withdraw, Account: "a", Amount: 999, Outcome: load.Rejected})
	add(80, 90, load.Op{Kind: load.Read, Account: "a", After: load.Balance{Balance: 70, Version: 2}})
	add(80, 90, load.Op{Kind: load.Deposit, Account: "a", Amount: 5, Outcome: load.Unknown})
	add(0, 10, load.Op{Kind: load.Deposit, Account: "t", Amount: 460, After: load.Balance{Balance: 460, Version: 1}})
	add(20, 30, load.Op{Kind: load.Transfer, Account: "t", To: "u", Amount: 60})
	event := func(partition, position, version int64, id, kind string, amount int64) {
		s.log.Events = append(s.log.Events, proof.Event{
			Partition: partition, Position: position, Version: version, Entity: "account", ID: id, Type: kind, Amount: amount,
			Event: id + kind, Command: id + kind, Transfer: "x",
		})
	}
	event(1, 1, 1, "a", "ACCOUNTS:DEPOSITED", 100)
	event(1, 2, 2, "a", "ACCOUNTS:WITHDRAWN", 30)
	event(1, 3, 1, "u", "ACCOUNTS:RECEIVED", 60)
	event(2, 1, 1, "t", "ACCOUNTS:DEPOSITED", 460)
	event(2, 2, 2, "t", "ACCOUNTS:SENT", 60)
	s.count("a", 1)
	s.count("t", 2)
	s.log.Heads[2] = 4
	return s
}

// count counts the deposit of an account, and tells the sink.
func (s *story) count(id string, version int64) {
	event := id + "ACCOUNTS:DEPOSITED"
	s.log.Events = append(s.log.Events, proof.Event{
		Partition: 2, Position: version + 2, Version: 1, Entity: "tally", ID: id, Type: "TALLIES:COUNTED", Event: "c" + id, Command: "c" + id, Counted: event,
	})
	s.tell(event, "delivery-"+id)
}

func (s *story) tell(event, delivery string) {
	s.sink.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/?event="+event+"&delivery="+delivery, http.NoBody))
}

// problems are what all checks say.
func (s *story) problems(t *testing.T) []string {
	t.Helper()
	return slices.Concat(
		proof.Linear(t.Context(), s.ops, s.log, t.TempDir()), proof.Once(s.ops, s.log), proof.Dense(s.log),
		proof.Views(s.log), proof.Effects(s.log, s.sink), proof.Moving(s.log),
	)
}

func TestGoodStory(t *testing.T) {
	t.Parallel()
	if problems := good().problems(t); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
}

// Each kind of harm is found.
func TestHarmIsFound(t *testing.T) {
	t.Parallel()
	for name, harm := range map[string]func(s *story){
		"stale read":            func(s *story) { s.ops[4].After = load.Balance{Balance: 100, Version: 1} },
		"read of what is lost":  func(s *story) { s.ops[4].After = load.Balance{Balance: 71, Version: 3} },
		"wrong rejection":       func(s *story) { s.ops[3].Amount = 20 },
		"wrong reply":           func(s *story) { s.ops[2].After.Balance = 71 },
		"rejected and done":     func(s *story) { s.ops[3].Amount = 30 },
		"lost":                  func(s *story) { s.log.Events = slices.Delete(s.log.Events, 1, 2) },
		"twice":                 func(s *story) { s.log.Events = append(s.log.Events, s.log.Events[1]) },
		"another account":       func(s *story) { s.log.Events[1].ID = "b" },
		"asked for by no one":   func(s *story) { s.ops = slices.Delete(s.ops, 2, 3) },
		"version left out":      func(s *story) { s.log.Events[1].Version = 3 },
		"position left out":     func(s *story) { s.log.Events[2].Position = 4 },
		"head ahead":            func(s *story) { s.log.Heads[1] = 4 },
		"command twice":         func(s *story) { s.log.Events[1].Command = s.log.Events[0].Command },
		"row behind":            func(s *story) { s.log.Rows["a"] = proof.Row{Balance: 100, Version: 1} },
		"row missing":           func(s *story) { delete(s.log.Rows, "u") },
		"row of nothing":        func(s *story) { s.log.Rows["z"] = proof.Row{} },
		"transfer on its way":   func(s *story) { s.log.Events = slices.Delete(s.log.Events, 2, 3) },
		"transfer to another":   func(s *story) { s.log.Events[2].ID = "v" },
		"counted twice":         func(s *story) { s.log.Events = append(s.log.Events, s.log.Events[5]) },
		"not counted":           func(s *story) { s.log.Events = s.log.Events[:6] },
		"told under two ids":    func(s *story) { s.tell("aACCOUNTS:DEPOSITED", "another") },
		"one id for two events": func(s *story) { s.tell("another", "delivery-a") },
		"not told":              func(s *story) { s.sink = proof.NewSink() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := good()
			harm(s)
			problems := s.problems(t)
			if len(problems) == 0 {
				t.Error("nothing is found")
			}
			t.Logf("%q", problems)
		})
	}
}

// A request whose answer never came may have had its effect at any time after,
// or none.
func TestUnknownOutcome(t *testing.T) {
	t.Parallel()
	s := good()
	s.log.Events = slices.Insert(s.log.Events, 2, proof.Event{
		Partition: 1, Position: 3, Version: 3, Entity: "account", ID: "a", Type: "ACCOUNTS:WITHDRAWN", Amount: 5, Event: "late", Command: "late",
	})
	s.log.Events[3].Position, s.log.Heads[1] = 4, 4
	s.log.Rows["a"] = proof.Row{Balance: 65, Version: 3}
	s.ops[5].Kind = load.Withdraw
	if problems := s.problems(t); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	s.ops = append(s.ops, load.Op{Kind: load.Read, Account: "a", Call: time.Second, Return: 2 * time.Second, Outcome: load.Done, After: load.Balance{Balance: 65, Version: 3}})
	if problems := s.problems(t); len(problems) > 0 {
		t.Errorf("%q", problems)
	}
	s.ops = append(s.ops, load.Op{Kind: load.Read, Account: "a", Call: 3 * time.Second, Return: 4 * time.Second, Outcome: load.Done, After: load.Balance{Balance: 70, Version: 2}})
	if problems := s.problems(t); len(problems) == 0 {
		t.Error("a read of the state before goes unnoticed")
	}
}
