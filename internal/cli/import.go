package cli

import (
	"context"
	"flag"
	"fmt"
	"os"

	"github.com/talix-dev/talix/internal/move"
)

func importCommand() command {
	return command{
		name: "import", args: "[file]", about: "Bring in events that were exported",
		more: `The events are appended in their order. What the store has already is compared,
so an import may be repeated; one that was interrupted is gone on with by the
same command. A line that cannot be read is named by its number. Without a file,
or with -, the lines come from the standard input. The store is made if it is
missing.

Only events are brought in: to the program's actions on events they are new ones,
unless an action begins with the present. To move a program with all that it
keeps, see talix copy.`,
		plan: planImport,
	}
}

func planImport(f *flag.FlagSet) run {
	at, filter, rate := placeFlags(f), filterFlags(f), rateFlag(f)
	partial := f.Bool("partial", false, "take an export that was interrupted")
	again := f.Bool("again", false, "read from the front what an interrupted import has brought in")
	longest := f.Int("max-line", 64<<20, "how many `bytes` a line may have")
	return func(ctx context.Context, c *call) error {
		place, err := at.name()
		if err != nil {
			return err
		}
		file, err := c.oneFile()
		if err != nil {
			return err
		}
		return c.use(ctx, place, false, func(s move.Store) error {
			bar := c.bar()
			defer bar.end()
			did, err := c.importFrom(ctx, file, move.ImportConfig{
				To: s, Filter: *filter, IDs: c.ids, MaxLine: *longest, Partial: *partial, Again: *again, Pace: bar.pace(*rate),
			})
			bar.end()
			if err == nil {
				c.tell(did, "%s events brought in, %s were there", number(did.Added), number(did.Same))
			}
			return err
		})
	}
}

func (c *call) importFrom(ctx context.Context, file string, config move.ImportConfig) (move.Imported, error) {
	if file == "-" {
		return move.Import(ctx, c.Stdin, config)
	}
	f, err := os.Open(file)
	if err != nil {
		return move.Imported{}, fmt.Errorf("open file: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	if info, err := f.Stat(); err == nil {
		config.Size = info.Size()
	}
	return move.Import(ctx, f, config)
}
