package cli

import (
	"errors"
	"flag"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/move"
)

// filterFlags are those that say which events are wanted.
func filterFlags(f *flag.FlagSet) *move.Filter {
	filter := &move.Filter{}
	list(f, "entity", "only entities of this `type`; may be given again", &filter.Entities)
	list(f, "id", "only the entity of this `id`; may be given again", &filter.IDs)
	list(f, "event", "only events of this `type`; may be given again", &filter.Events)
	moment(f, "from", "only events of this `time` and later, as in 2026-03-01T12:00:00Z or 2026-03-01", &filter.From)
	moment(f, "until", "only events before this `time`", &filter.Until)
	return filter
}

func list(f *flag.FlagSet, name, usage string, into *[]string) {
	f.Func(name, usage, func(s string) error {
		*into = append(*into, s)
		return nil
	})
}

func moment(f *flag.FlagSet, name, usage string, into *time.Time) {
	f.Func(name, usage, func(s string) (err error) {
		if *into, err = timeOf(s); err != nil {
			err = fmt.Errorf("write a time as in 2026-03-01T12:00:00Z or 2026-03-01")
		}
		return err
	})
}

// timeOf reads a time, or a day.
func timeOf(s string) (time.Time, error) {
	layout := time.RFC3339
	if !strings.Contains(s, "T") {
		layout = time.DateOnly
	}
	return time.Parse(layout, s)
}

// rateFlag bounds how fast something goes.
func rateFlag(f *flag.FlagSet) *int {
	rate := new(int)
	f.Func("rate", "at most so many `events` a second, so that others are not held up; as fast as it goes if left out", func(text string) (err error) {
		if *rate, err = strconv.Atoi(text); err != nil || *rate < 0 {
			return errors.New("write a number of events, such as 5000")
		}
		return nil
	})
	return rate
}
