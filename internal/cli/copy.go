package cli

import (
	"context"
	"flag"
	"time"

	"github.com/talix-dev/talix/internal/move"
)

func copyCommand() command {
	return command{
		name: "copy", about: "Move a program's store to another one, and compare both",
		more: `Stop the program before. From a folder to PostgreSQL:

  talix copy --from ./data --to 'postgres://user:password@host:5432/name'

All that the store keeps is brought over: events, results of commands, where
actions stand, and work that is kept. A program that is then started on the copy
goes on where it ended: no action gets an event again that it has done. Views are
made anew. Keys of personal data are carried apart, before the program starts:
docs/guide/moving-data.md tells how.

The other store must be empty, or be a copy of the same store on which no program
has worked since; then what came meanwhile is brought over. So copy once while
there is time, and again when the program is stopped for good. A copy that was
interrupted is gone on with by the same command; until it has ended well, no
program starts on it.

A store that is missing is made. In the URL of a database, talix_schema names the
schema, and talix_partitions says how many partitions a store gets that is made.`,
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
	bar, began := c.bar(), c.Now()
	defer bar.end()
	did, err := move.Copy(ctx, move.CopyConfig{From: from, To: to, IDs: c.ids, Pace: bar.pace(rate)})
	bar.end()
	if err == nil {
		c.tell(did, `%s events of %s entities (%s new), %s results and %s records were copied in %s
both stores hold the same events: %s
The program can be started on the copy now. If it works on the old store before, copy again.`,
			number(did.Verified.Events), number(did.Verified.Entities), number(did.Events), number(did.Results), number(did.Records),
			c.Now().Sub(began).Round(100*time.Millisecond), did.Verified.Checksum)
	}
	return err
}

func (c *call) noArgs() error {
	if len(c.args) > 0 {
		return misused("there is an argument %q, but this command takes flags only", c.args[0])
	}
	return nil
}
