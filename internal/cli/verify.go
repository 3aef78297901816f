package cli

import (
	"context"
	"flag"

	"github.com/talix-dev/talix/internal/move"
)

func verifyCommand() command {
	return command{
		name: "verify", about: "Compare the events of two stores, or sum up those of one",
		more: `Events are compared entity by entity: their ids, versions, types, times, causes,
metadata and data, but not their places in the log. The first entity and version
that differ are named, and the command ends with 3.

With one store, as --data or --store, it writes the checksum of its events. Two
stores with the same events have the same one, however many partitions they have.`,
		plan: planVerify,
	}
}

func planVerify(f *flag.FlagSet) run {
	at, rate := placeFlags(f), rateFlag(f)
	from := f.String("from", "", "first `store`: a folder or postgres://…")
	to := f.String("to", "", "second `store`: a folder or postgres://…")
	return func(ctx context.Context, c *call) error {
		if err := c.noArgs(); err != nil {
			return err
		}
		if *from == "" && *to == "" {
			place, err := at.name()
			if err != nil {
				return err
			}
			return c.use(ctx, place, true, func(s move.Store) error { return c.sum(ctx, s, *rate) })
		}
		return c.useBoth(ctx, *from, *to, true, func(a, b move.Store) error { return c.verify(ctx, a, b, *rate) })
	}
}

func (c *call) verify(ctx context.Context, a, b move.Store, rate int) error {
	bar := c.bar()
	defer bar.end()
	found, err := move.Verify(ctx, move.VerifyConfig{A: a, B: b, Pace: bar.pace(rate)})
	bar.end()
	if err == nil {
		c.tell(found, "both have the same %s events of %s entities: %s", number(found.Events), number(found.Entities), found.Checksum)
	}
	return err
}

func (c *call) sum(ctx context.Context, s move.Store, rate int) error {
	bar := c.bar()
	defer bar.end()
	found, err := move.Sum(ctx, s, bar.pace(rate))
	bar.end()
	if err == nil {
		c.tell(found, "%s events of %s entities: %s", number(found.Events), number(found.Entities), found.Checksum)
	}
	return err
}
