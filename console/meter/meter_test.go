package meter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/store"
)

// clock is a clock that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func newMeter(c meter.Config) (*meter.Meter, *clock) {
	at := &clock{time.Unix(1_700_000_000, 0)}
	c.Now = at.now
	return meter.New(c), at
}

func report(kind talix.Kind, name, caller string, err error) talix.Report {
	return talix.Report{
		Operation: talix.Operation{Kind: kind, Service: "bank", Name: name, Caller: caller},
		Duration:  3 * time.Millisecond, Events: 2, Err: err,
	}
}

func find(t *testing.T, m *meter.Meter, name, caller string) meter.Stat {
	t.Helper()
	for _, s := range m.Stats() {
		if s.Name == name && s.Caller == caller {
			return s
		}
	}
	t.Fatalf("%s by %s is not counted", name, caller)
	return meter.Stat{}
}

func TestRates(t *testing.T) {
	t.Parallel()
	m, at := newMeter(meter.Config{})
	for range 100 { // ten a second, one of which fails
		for i := range 10 {
			var err error
			if i == 0 {
				err = talix.Reject("no")
			}
			m.Report(t.Context(), report(talix.KindCommand, "account.deposit", "act", err))
		}
		at.at = at.at.Add(time.Second)
	}
	s := find(t, m, "account.deposit", meter.AnyCaller)
	if s.Total != 1000 || s.Failed != 100 || s.Events != 2000 || s.PerSecond != 10 || s.FailedPerSecond != 1 || s.EventsPerSecond != 20 {
		t.Errorf("%+v", s)
	}
	if s.P50 < 3*time.Millisecond || s.P50 > 6*time.Millisecond || s.P99 != s.P50 {
		t.Errorf("half take %s, most %s", s.P50, s.P99)
	}
	if s.Counts[meter.Cells-2] != 20 || s.Failures[meter.Cells-2] != 2 || s.Counts[0] != 0 {
		t.Errorf("over time: %v", s.Counts)
	}
	if by := find(t, m, "account.deposit", "act"); by.Total != 1000 {
		t.Errorf("by its caller: %+v", by)
	}
	at.at = at.at.Add(time.Hour)
	if s := find(t, m, "account.deposit", meter.AnyCaller); s.PerSecond != 0 || s.Counts != [meter.Cells]uint32{} || s.P50 != 0 || s.Total != 1000 {
		t.Errorf("an hour later: %+v", s)
	}
}

func TestQuantiles(t *testing.T) {
	t.Parallel()
	m, _ := newMeter(meter.Config{})
	for i := range 100 {
		r := report(talix.KindQuery, "q", "", nil)
		if r.Duration = 10 * time.Microsecond; i >= 98 {
			r.Duration = time.Second
		}
		m.Report(t.Context(), r)
	}
	if s := find(t, m, "q", meter.AnyCaller); s.P50 != 16*time.Microsecond || s.P99 < time.Second || s.P99 > 2*time.Second {
		t.Errorf("%s and %s", s.P50, s.P99)
	}
	for _, d := range []time.Duration{-time.Second, 0, 1 << 62} { // clocks jump
		r := report(talix.KindQuery, "odd", "", nil)
		r.Duration = d
		m.Report(t.Context(), r)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	m, _ := newMeter(meter.Config{Records: 8, Failures: 4, PerSecond: 1 << 20})
	for i := range 5000 {
		m.Report(t.Context(), report(talix.KindAction, fmt.Sprint("a", i), "", errors.New(strings.Repeat("x", 10_000))))
		m.Report(t.Context(), report(talix.KindStep, fmt.Sprint("step for ", i), "", nil))
	}
	all := func(*meter.Record) bool { return true }
	if n := len(m.Stats()); n > 2050 {
		t.Errorf("%d series", n)
	}
	if n := find(t, m, "others", meter.AnyCaller).Total; n != 5000-2047 {
		t.Errorf("%d others", n)
	}
	got := m.Recent(100, all)
	if len(got) != 8 || len(m.Failures(100)) != 4 || len(m.Recent(3, all)) != 3 || m.Recent(0, all) != nil {
		t.Errorf("%d records", len(got))
	}
	if got[0].Name != "step for 4999" || got[1].Name != "a4999" || got[1].Code != talix.CodeInternal || len(got[1].Err) > 5000 || got[0].Seq != got[1].Seq+1 {
		t.Errorf("the newest are %+v, %+v", got[0].Name, got[1].Name)
	}
}

// Under load, whole requests are remembered or left out, and failures never are
// left out.
func TestSampling(t *testing.T) {
	t.Parallel()
	m, at := newMeter(meter.Config{Records: 1 << 16, PerSecond: 100})
	for i := range 20_000 {
		var id store.ID
		binary.BigEndian.PutUint64(id[8:], uint64(i/2)*0x9e3779b97f4a7c15)
		r := report(talix.KindCommand, "c", "", nil)
		r.CorrelationID = id
		m.Report(t.Context(), r)
	}
	byID := map[store.ID]int{}
	for _, r := range m.Recent(1<<16, func(*meter.Record) bool { return true }) {
		byID[r.Correlation]++
	}
	half := 0
	for _, n := range byID {
		if n == 1 {
			half++
		}
	}
	if len(byID) < 50 || len(byID) > 1000 || half > 20 || m.OneIn() == 1 {
		t.Errorf("%d requests are remembered, %d of them by halves; one in %d", len(byID), half, m.OneIn())
	}
	failure := report(talix.KindCommand, "c", "", talix.Reject("no"))
	failure.CorrelationID = store.ID{15: 1, 3: 7}
	m.Report(t.Context(), failure)
	if got := m.Recent(1, func(*meter.Record) bool { return true }); got[0].Correlation != failure.CorrelationID {
		t.Errorf("a failure was left out")
	}
	for range 100 {
		at.at = at.at.Add(time.Second)
		m.Report(t.Context(), report(talix.KindCommand, "c", "", nil))
	}
	if m.OneIn() != 1 {
		t.Errorf("one in %d after the load", m.OneIn())
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	m := meter.New(meter.Config{})
	var all sync.WaitGroup
	for g := range 8 {
		all.Go(func() {
			for i := range 500 {
				m.Report(context.Background(), report(talix.KindCommand, fmt.Sprint("c", i%50), fmt.Sprint("a", g), nil))
				if i%100 == 0 {
					m.Stats()
					m.Recent(10, func(*meter.Record) bool { return true })
				}
			}
		})
	}
	all.Wait()
	var total int64
	for _, s := range m.Stats() {
		if s.Caller == meter.AnyCaller && s.Name != "" {
			total += s.Total
		}
	}
	if total != 4000 {
		t.Errorf("%d were counted", total)
	}
}

func TestReportAllocatesNothing(t *testing.T) {
	m := meter.New(meter.Config{})
	r := report(talix.KindCommand, "account.deposit", "act", nil)
	m.Report(t.Context(), r)
	if n := testing.AllocsPerRun(1000, func() { m.Report(context.Background(), r) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}
