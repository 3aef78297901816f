package flow_test

import (
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/internal/flow"
	"github.com/talix-dev/talix/internal/registry"
)

func TestCheckSchedule(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		cron, zone, want string
	}{
		{"30 3 * * *", "", ""},
		{"@daily", "Europe/Berlin", ""},
		{"@every 90s", "", ""},
		{"nonsense", "", "write minute, hour"},
		{"61 * * * *", "", "write minute, hour"},
		{"* * * * *", "Middle/Earth", "Europe/Berlin"},
		{"0 0 30 2 *", "", "no such time"},
	} {
		err := flow.CheckSchedule(&registry.ScheduleTrigger{Cron: test.cron, Zone: test.zone})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%q in %q: %v, want %q", test.cron, test.zone, err, test.want)
		}
	}
}

// Where clocks change, a time that is left out is taken as much later as they
// were moved, and one that comes twice is taken once.
func TestScheduleWhereClocksChange(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ cron, from, want string }{
		{"30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z 2026-03-30T00:30:00Z"}, // 02:30 does not exist on the 29th
		{"30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z 2026-10-26T01:30:00Z"}, // 02:30 comes twice on the 25th
		{"30 * * * *", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z 2026-10-25T01:30:00Z"}, // every hour, also the second one
	} {
		at, err := time.Parse(time.RFC3339, test.from)
		if err != nil {
			t.Fatal(err)
		}
		times, err := flow.Times(&registry.ScheduleTrigger{Cron: test.cron, Zone: "Europe/Berlin"}, at, 2)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, at := range times {
			got = append(got, at.Format(time.RFC3339))
		}
		if s := strings.Join(got, " "); s != test.want {
			t.Errorf("after %s it runs at %s, want %s", test.from, s, test.want)
		}
	}
}
