package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// client sends one request after another.
type client struct {
	load   *Load
	number int
	rng    *rand.Rand
}

// impossible is more than any account ever holds.
const impossible = 500_000_000_000

func (c *client) amount() int64 { return c.load.amounts.Add(1) }

// loop asks for this and that until there is to be no more.
func (c *client) loop(ctx context.Context) {
	// Half of the clients wait for long: they are there when something comes late
	// that others have given up.
	patience := 2 * time.Second
	if c.number%2 == 0 {
		patience = 15 * time.Second
	}
	for c.load.rest(ctx, time.Duration(c.rng.IntN(8))*time.Millisecond) {
		op := c.choose()
		c.insist(ctx, &op, c.load.cfg.Target.Any, patience)
	}
}

func (c *client) choose() Op {
	n := c.rng.IntN(accounts)
	op := Op{Client: c.number, Account: c.account(n)}
	switch k := c.rng.IntN(100); {
	case k < 40:
		op.Kind = Read
	case k < 75:
		op.Kind, op.Amount = Deposit, c.amount()
	case k < 80:
		op.Kind, op.Amount = Withdraw, impossible+c.amount()
	case k < 95 || !c.load.cfg.Groups:
		op.Kind, op.Amount = Withdraw, c.amount()
	default:
		op.Kind, op.Amount, op.To = Exchange, c.amount(), c.account((n+1)%accounts)
	}
	return op
}

func (c *client) account(n int) string { return c.load.slots[n].take("acc", n) }

// insist asks until the answer tells what became of the request. Reads are asked
// once: another one is another request.
func (c *client) insist(ctx context.Context, op *Op, choose func(*rand.Rand) string, patience time.Duration) {
	key := fmt.Sprintf("%s-%d-%d", op.Kind, c.load.cfg.Seed, op.Amount)
	op.Call, op.Outcome = time.Since(c.load.start), Unknown
	for ctx.Err() == nil {
		if op.Node = choose(c.rng); op.Node != "" {
			op.Attempts++
			if c.ask(ctx, op, key, patience) {
				break
			}
		}
		if op.Kind == Read || !c.pause(ctx) {
			break
		}
	}
	if op.Return = time.Since(c.load.start); op.Kind != Read || op.Outcome != Unknown {
		c.load.History.add(*op)
	}
}

func (c *client) pause(ctx context.Context) bool {
	select {
	case <-time.After(5 * time.Millisecond):
		return true
	case <-ctx.Done():
		return false
	}
}

// probe deposits into one account after another of its own.
func (c *client) probe(ctx context.Context, n int) {
	for c.load.rest(ctx, 40*time.Millisecond) {
		op := Op{Client: c.number, Kind: Deposit, Account: c.load.slots[accounts+quietAccounts+n].take("probe", n), Amount: c.amount()}
		c.insist(ctx, &op, c.load.cfg.Target.Healthy, time.Second)
		if op.Outcome == Done {
			c.load.Pauses.answered(n)
		}
	}
}

// write deposits now and then into accounts of its own that others only read. It
// waits long, so that nothing changes an account whose request is on its way.
func (c *client) write(ctx context.Context, first int) {
	for c.load.rest(ctx, 200*time.Millisecond) {
		n := first + c.rng.IntN(quietAccounts/writers)
		op := Op{Client: c.number, Kind: Deposit, Account: c.load.quiet(n), Amount: c.amount()}
		c.insist(ctx, &op, c.load.cfg.Target.Any, 15*time.Second)
	}
}

// read looks at the accounts that are written now and then, and has their owner
// hold them in memory, by commands that change nothing.
func (c *client) read(ctx context.Context) {
	for c.load.rest(ctx, 5*time.Millisecond) {
		op := Op{Client: c.number, Kind: Read, Account: c.load.quiet(c.rng.IntN(quietAccounts))}
		if c.rng.IntN(3) == 0 {
			op.Kind, op.Amount = Withdraw, impossible+c.amount()
		}
		c.insist(ctx, &op, c.load.cfg.Target.Healthy, time.Second)
	}
}

// transfers moves money between accounts of their own by workflows.
func (c *client) transfers(ctx context.Context) {
	const among, each = 6, 1_000_000_000
	name := func(n int) string { return fmt.Sprintf("transfer-%d", n%among) }
	for n := range among {
		op := Op{Client: c.number, Kind: Deposit, Account: name(n), Amount: each + c.amount()}
		c.insist(ctx, &op, c.load.cfg.Target.Any, 5*time.Second)
	}
	for c.load.rest(ctx, 100*time.Millisecond) {
		n := c.rng.IntN(among)
		op := Op{Client: c.number, Kind: Transfer, Account: name(n), To: name(n + 1 + c.rng.IntN(among-1)), Amount: c.amount()}
		if c.rng.IntN(5) == 0 {
			op.To = "nobody"
		}
		c.insist(ctx, &op, c.load.cfg.Target.Any, 5*time.Second)
	}
}
