package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"

	"github.com/talix-dev/talix/internal/move"
	"github.com/talix-dev/talix/store"
)

func doctorCommand() command {
	return command{
		name: "doctor", about: "Look whether a store is sound, and tell what it holds",
		more: `It reads all that the store holds and checks its sums and its order, and changes
nothing in it, but that a store of an older format is brought to this release's.
If a program works on a folder at the moment, it says which.`,
		plan: func(f *flag.FlagSet) run {
			at := placeFlags(f)
			return func(ctx context.Context, c *call) error {
				place, err := at.name()
				if err == nil {
					err = c.noArgs()
				}
				if err != nil {
					return err
				}
				return c.use(ctx, place, true, func(s move.Store) error { return c.examine(ctx, s) })
			}
		},
	}
}

// findings are what doctor tells.
type findings struct {
	Store      store.ID `json:"store"`
	Format     int      `json:"format,omitempty"`
	Partitions int      `json:"partitions"`
	move.Verified
	move.Holding
	Sound bool `json:"sound"`
}

func (c *call) examine(ctx context.Context, s move.Store) error {
	found := findings{Store: s.Identity(), Partitions: s.Partitions()}
	if f, ok := s.(interface{ Format() int }); ok {
		found.Format = f.Format()
	}
	bar := c.bar()
	defer bar.end()
	if checked, ok := s.(interface{ Check(context.Context) error }); ok {
		if err := checked.Check(ctx); err != nil {
			return err
		}
	}
	var err error
	if found.Holding, err = move.Hold(ctx, s); err != nil {
		return err
	}
	if found.Verified, err = move.Sum(ctx, s, bar.pace(0)); err != nil {
		return err
	}
	bar.end()
	if found.Unfinished {
		return errors.Join(errors.New(found.text()), move.ErrUnfinished)
	}
	found.Sound = true
	c.tell(found, "%s\nit is sound", found.text())
	return nil
}

func (f *findings) text() string {
	lines := []string{
		fmt.Sprintf("store       %v", f.Store),
		fmt.Sprintf("format      %d", f.Format),
		fmt.Sprintf("partitions  %s", number(int64(f.Partitions))),
		fmt.Sprintf("entities    %s", number(f.Entities)),
		fmt.Sprintf("events      %s", number(f.Events)),
		fmt.Sprintf("results     %s", number(f.Results)),
		fmt.Sprintf("consumers   %s", number(f.Consumers)),
	}
	for _, space := range f.Spaces {
		lines = append(lines, fmt.Sprintf("records     %s in %q", number(space.Records), space.Name))
	}
	return strings.Join(append(lines, "checksum    "+f.Checksum), "\n")
}
