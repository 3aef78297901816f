package work_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/work"
)

func least(time.Duration) time.Duration  { return 0 }
func most(d time.Duration) time.Duration { return d - 1 }

var errBoom = errors.New("boom")

func TestPausesGrow(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	item := work.Item{Status: work.Ready}
	p := work.Policy{First: 100 * time.Millisecond, Most: time.Second, Attempts: -1}
	for i, want := range []int{100, 200, 400, 800, 1000, 1000} {
		want := time.Duration(want) * time.Millisecond
		if got := p.Failed(item, errBoom, now, least).Due.Sub(now); got != want/2 {
			t.Errorf("pause %d is at least %v, not half of %v", i, got, want)
		}
		item = p.Failed(item, errBoom, now, most)
		if got := item.Due.Sub(now); got != want || item.Attempts != i+1 || item.Status != work.Ready {
			t.Errorf("pause %d is at most %v, want %v: %+v", i, got, want, item)
		}
	}
	for range 200 {
		item = p.Failed(item, errBoom, now, nil)
		if got := item.Due.Sub(now); got < time.Second/2 || got > time.Second {
			t.Errorf("a pause is %v", got)
		}
	}
}

func TestDefaultsOfPolicy(t *testing.T) {
	t.Parallel()
	now := time.Unix(1e9, 0)
	var pauses []time.Duration
	item := work.Item{Status: work.Ready}
	for item.Status == work.Ready {
		item = work.Policy{}.Failed(item, errBoom, now, most)
		pauses = append(pauses, item.Due.Sub(now))
	}
	if len(pauses) != 10 || pauses[0] != 100*time.Millisecond || pauses[8] != 25600*time.Millisecond || item.Status != work.Parked || !item.Due.IsZero() {
		t.Errorf("%v, %+v", pauses, item)
	}
	item.Attempts = 50
	if due := (work.Policy{Attempts: -1}).Failed(item, errBoom, now, most).Due.Sub(now); due != time.Minute {
		t.Errorf("the longest pause is %v", due)
	}
}

func TestLimitOfPolicy(t *testing.T) {
	t.Parallel()
	start := time.Unix(1e9, 0)
	p := work.Policy{First: 40 * time.Second, Limit: time.Minute, Attempts: -1}
	item := p.Failed(work.Item{Status: work.Compensating}, errBoom, start, most)
	if item.Due.Sub(start) != 40*time.Second || !item.Failing.Equal(start) || item.Status != work.Compensating {
		t.Errorf("first: %+v", item)
	}
	item = p.Failed(item, errBoom, item.Due, most)
	if item.Due.Sub(start) != time.Minute {
		t.Errorf("the last attempt is %v after the first failure", item.Due.Sub(start))
	}
	if item = p.Failed(item, errBoom, item.Due, most); item.Status != work.Parked || item.Attempts != 3 {
		t.Errorf("last: %+v", item)
	}
	if item = item.Recovered(); item.Attempts != 0 || !item.Failing.IsZero() || item.Error != "" || item.Code != "" {
		t.Errorf("recovered: %+v", item)
	}
}

func TestErrorsThatPark(t *testing.T) {
	t.Parallel()
	final := &registry.Fault{Code: registry.Rejected, Final: true}
	for _, c := range []struct {
		err    error
		parked bool
		code   string
	}{
		{errBoom, false, "internal"},
		{registry.Faultf(registry.Rejected, "no"), false, "rejected"},
		{final, true, "rejected"},
		{fmt.Errorf("run: %w", final), true, "rejected"},
		{registry.Faultf(registry.Internal, "no").Because(fmt.Errorf("x: %w", final)), true, "internal"},
		{fmt.Errorf("x: %w", &registry.Interrupt{Kind: registry.Changed, Cause: errBoom}), true, "changed"},
		{&registry.Interrupt{Kind: registry.Misused, Cause: errBoom}, true, "misused"},
		{&registry.Interrupt{Kind: registry.Broken, Cause: errBoom}, false, "unavailable"},
	} {
		item := work.Policy{}.Failed(work.Item{Status: work.Waiting, Due: time.Unix(1, 0)}, c.err, time.Unix(1e9, 0), most)
		if parked := item.Status == work.Parked; parked != c.parked || item.Code != c.code || item.Due.IsZero() != parked {
			t.Errorf("%v: %+v", c.err, item)
		}
		if item.Error != c.err.Error() || item.Attempts != 1 {
			t.Errorf("%v: %+v", c.err, item)
		}
	}
}

func TestOutages(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err    error
		outage bool
	}{
		{errBoom, false},
		{registry.Faultf(registry.Unavailable, "no"), true},
		{fmt.Errorf("x: %w", registry.Faultf(registry.Overloaded, "no")), true},
		{registry.Faultf(registry.Internal, "no"), false},
		{&registry.Fault{Code: registry.Unavailable, Final: true}, false},
		{&registry.Interrupt{Kind: registry.Broken, Cause: errBoom}, true},
		{&registry.Interrupt{Kind: registry.Broken, Cause: registry.Faultf(registry.Internal, "no")}, true},
		{&registry.Interrupt{Kind: registry.Changed, Cause: registry.Faultf(registry.Unavailable, "no")}, false},
	} {
		if got := work.Outage(c.err); got != c.outage {
			t.Errorf("%v: %t", c.err, got)
		}
	}
	now := time.Unix(1e9, 0)
	item := work.Policy{}.Postponed(work.Item{Status: work.Waiting}, errBoom, now, most)
	if item.Attempts != 0 || item.Status != work.Ready || item.Due.Sub(now) != time.Second || item.Error != "boom" {
		t.Errorf("postponed: %+v", item)
	}
}

func TestLongErrorsAreClipped(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("ö", 10_000), "x" + strings.Repeat("ö", 10_000), strings.Repeat("€", 8000), strings.Repeat("a\xff", 20_000)} {
		got := work.Policy{}.Failed(work.Item{}, errors.New(text), time.Now(), nil).Error
		if len(got) > work.MaxError || len(got) < work.MaxError-8 || !utf8.ValidString(got) {
			t.Errorf("%d bytes were left, valid: %t", len(got), utf8.ValidString(got))
		}
	}
}
