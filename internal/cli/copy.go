package cli

import (
	"context"
	"flag"

	"github.com/talix-dev/talix/internal/move"
)

func copyCommand() command {
	return command{
		name: "copy", about: "Move a program's store to another one, and compare both",
		more: `All that the store keeps is brought over: events, results of commands, where
actions stand, and work that is kept. A program that is then started on the copy
goes on where it ended: no action gets an event again that it has done. Views are
made anew.

The other store must be empty, or be a copy of the same store on which no program
has worked since; then what came meanwhile is brought over. Until a copy has ended
well, no program starts on it. It is made if it is missing; talix_partitions in
the URL says how many partitions it gets.`,
		plan: func(f *flag.FlagSet) run {
			from := f.String("from", "", "`store` to copy: a folder or postgres://…")
			to := f.String("to", "", "`store` to fill: a folder or postgres://…")
			rate := rateFlag(f)
			return func(ctx context.Context, c *call) error {
				if err := c.noArgs(); err != nil {
					return err
				}
				return c.useBoth(ctx, *from, *to, false, func(a, b move.Store) error { return c.copy(ctx, a, b, *rate) })
			}
		},
	}
}

func (c *call) copy(ctx context.Context, from, to move.Store, rate int) error {
	bar := c.bar()
	defer bar.end()
	did, err := move.Copy(ctx, move.CopyConfig{From: from, To: to, IDs: c.ids, Pace: bar.pace(rate)})
	bar.end()
	if err == nil {
		c.tell(did, "%s events of %s entities, %s results, %s records; both stores are the same: %s",
			number(did.Verified.Events), number(did.Verified.Entities), number(did.Results), number(did.Records), did.Verified.Checksum)
	}
	return err
}

func (c *call) noArgs() error {
	if len(c.args) > 0 {
		return misused("there is an argument %q, but this command takes flags only", c.args[0])
	}
	return nil
}
