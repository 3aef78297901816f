package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"

	"github.com/talix-dev/talix/internal/move"
)

func exportCommand() command {
	return command{
		name: "export", args: "[file]", about: "Write events as lines of JSON",
		more: `Each line is an event; the first line says where it comes from, and the last one
counts the lines and sums them up. Without a file, or with -, they go to the
standard output. docs/guide/moving-data.md tells what each field means.

An export holds events alone. To move a program with all that it keeps, see
talix copy.`,
		plan: planExport,
	}
}

func planExport(f *flag.FlagSet) run {
	at, filter, rate := placeFlags(f), filterFlags(f), rateFlag(f)
	resume := f.Bool("resume", false, "go on with a file that an interrupted export left")
	return func(ctx context.Context, c *call) error {
		place, err := at.name()
		if err != nil {
			return err
		}
		file, err := c.oneFile()
		if err != nil {
			return err
		}
		if file == "-" && *resume {
			return misused("--resume needs a file")
		}
		return c.use(ctx, place, true, func(s move.Store) error {
			bar := c.bar()
			defer bar.end()
			did, err := c.export(ctx, file, *resume, move.ExportConfig{From: s, Filter: *filter, IDs: c.ids, Now: c.Now, Pace: bar.pace(*rate)})
			bar.end()
			if err == nil && file != "-" {
				c.tell(did, "%s events in %s, %s", number(did.Events), file, did.Checksum)
			}
			return err
		})
	}
}

// oneFile is the file that a command was given; - if none was.
func (c *call) oneFile() (string, error) {
	switch len(c.args) {
	case 0:
		return "-", nil
	case 1:
		return c.args[0], nil
	}
	return "", misused("there are %d arguments: name one file", len(c.args))
}

func (c *call) export(ctx context.Context, file string, resume bool, config move.ExportConfig) (did move.Exported, err error) {
	if file == "-" {
		return move.Export(ctx, c.Stdout, config)
	}
	mode := os.O_RDWR | os.O_CREATE
	if !resume {
		mode |= os.O_EXCL
	}
	f, err := os.OpenFile(file, mode, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return did, fmt.Errorf("%s is there already: name another file, or go on with it by --resume", file)
	}
	if err != nil {
		return did, fmt.Errorf("open file: %w", err)
	}
	if did, err = move.Resume(ctx, f, config); err == nil {
		err = f.Sync()
	}
	return did, errors.Join(err, f.Close())
}
