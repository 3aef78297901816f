package guide

import (
	"context"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
)

func past(ctx talix.QueryContext, id string, lastMonday time.Time) ([]talix.Loaded[account.Account], error) {
	then, err := talix.StateAt(ctx, account.Accounts, id, talix.At(lastMonday))
	if err != nil {
		return nil, err
	}
	third, err := talix.StateAt(ctx, account.Accounts, id, talix.Version(3))
	return []talix.Loaded[account.Account]{then, third}, err
}

func wouldDo(ctx talix.QueryContext, id string) (account.Balance, error) {
	p, err := talix.Preview(ctx, account.Withdraw, id, account.Movement{Amount: 250})
	return p.Reply, err
}

func byName(ctx context.Context, rt *runtime.Runtime, id string) ([]any, error) {
	e := rt.Entities()

	s, err := e.State(ctx, "account", id, talix.Version(12))
	if err != nil {
		return nil, err
	}

	// The ten newest events, and the state after each.
	moments, err := e.Events(ctx, "account", id, runtime.EventFilter{Reverse: true, Max: 10, States: true})
	if err != nil {
		return nil, err
	}

	// What if the third event had been followed by this one?
	moments, err = e.Simulate(ctx, "account", id, talix.Version(3), []runtime.GivenEvent{
		{Type: "ACCOUNTS:WITHDRAWN", Data: []byte(`{"amount":250}`)},
	})
	if err != nil {
		return nil, err
	}

	p, err := e.Preview(ctx, "account.withdraw", id, []byte(`{"amount":250}`))
	return []any{s, moments, p}, err
}

func list(ctx context.Context, rt *runtime.Runtime) ([]any, error) {
	f := runtime.ListFilter{EntityType: "account", By: runtime.ByChange, Reverse: true, Max: 50}
	page, err := rt.Entities().List(ctx, f)
	if err != nil {
		return nil, err
	}
	next, err := rt.Entities().List(ctx, runtime.ListFilter{Cursor: page.Cursor, Max: 50})
	return []any{page, next}, err
}
