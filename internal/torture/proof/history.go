package proof

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/talix-dev/talix/internal/torture/load"
)

// step is one request as the checker sees it: what it asks of one account.
type step struct {
	kind    string // an event's type, or "read"
	amount  int64
	outcome load.Outcome
}

// state is an account at a moment.
type state = load.Balance

// model is an account that takes one request after another. A request of unknown
// outcome that stands in the log was done at some time after it was sent.
func model() porcupine.Model {
	return porcupine.Model{
		Init: func() any { return state{} },
		Step: func(before, in, out any) (bool, any) { return in.(step).take(before.(state), out.(state)) },
		DescribeOperation: func(in, out any) string {
			s := in.(step)
			return fmt.Sprintf("%s %d: %s %v", s.kind, s.amount, s.outcome, out)
		},
		DescribeState: func(s any) string { return fmt.Sprint(s) },
	}
}

func (s step) take(before, answered state) (bool, state) {
	after := state{Balance: before.Balance, Version: before.Version + 1}
	switch s.kind {
	case "read":
		return before == answered, before
	case deposited, received:
		after.Balance += s.amount
	case withdrawn, sent:
		if s.outcome == load.Rejected {
			return before.Balance < s.amount, before
		}
		after.Balance -= s.amount
	}
	return after.Balance >= 0 && (s.outcome == load.Unknown || after == answered), after
}

// histories are the steps by account.
func histories(ops []load.Op, found map[int64][]Event) map[string][]porcupine.Operation {
	all := map[string][]porcupine.Operation{}
	add := func(op *load.Op, account, kind string, outcome load.Outcome, after load.Balance) {
		end := op.Return.Nanoseconds()
		if outcome == load.Unknown {
			end = math.MaxInt64
		}
		all[account] = append(all[account], porcupine.Operation{
			ClientId: op.Client, Input: step{kind, op.Amount, outcome}, Call: op.Call.Nanoseconds(), Output: after, Return: end,
		})
	}
	for i := range ops {
		op := &ops[i]
		stands := len(found[op.Amount]) > 0
		switch {
		case op.Kind == load.Transfer:
			continue
		case op.Kind == load.Read:
			add(op, op.Account, "read", op.Outcome, op.After)
		case op.Outcome == load.Rejected && op.Kind == load.Withdraw:
			add(op, op.Account, withdrawn, load.Rejected, state{})
		}
		if op.Outcome == load.Done && op.Kind != load.Read || op.Kind != load.Read && stands {
			outcome := load.Done
			if op.Outcome != load.Done {
				outcome = load.Unknown
			}
			steps(op, func(account, kind string, after load.Balance) { add(op, account, kind, outcome, after) })
		}
	}
	return all
}

// steps are what a request does to each account, if it does anything.
func steps(op *load.Op, each func(account, kind string, after load.Balance)) {
	switch op.Kind {
	case load.Deposit:
		each(op.Account, deposited, op.After)
	case load.Withdraw:
		each(op.Account, withdrawn, op.After)
	case load.Exchange:
		each(op.Account, sent, op.After)
		each(op.To, received, op.ToAfter)
	}
}

// decideWithin bounds the search for an order.
const decideWithin = time.Minute

// Linear tells for which accounts there is no order of the requests that would
// lead to what clients saw. A picture of each is written to the folder.
func Linear(ctx context.Context, ops []load.Op, log *Log, dir string) (problems []string) {
	accounts := 0
	for account, history := range histories(ops, log.byAmount()) {
		if ctx.Err() != nil {
			return append(problems, "the search for an order was ended: "+ctx.Err().Error())
		}
		m := model()
		result, info := porcupine.CheckOperationsVerbose(m, history, decideWithin)
		if accounts++; result == porcupine.Ok {
			continue
		}
		name := filepath.Join(dir, account+".html")
		problems = append(problems, fmt.Sprintf("porcupine says %s of the %d requests to %s: see %s", result, len(history), account, name))
		if err := picture(m, info, name); err != nil {
			problems = append(problems, err.Error())
		}
	}
	return problems
}

func picture(m porcupine.Model, info porcupine.LinearizationInfo, name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := porcupine.Visualize(m, info, f); err != nil {
		return fmt.Errorf("draw history: %w", err)
	}
	return f.Close()
}

func (l *Log) byAmount() map[int64][]Event {
	all := map[int64][]Event{}
	for _, e := range l.Events {
		if e.Entity == "account" {
			all[e.Amount] = append(all[e.Amount], e)
		}
	}
	return all
}
