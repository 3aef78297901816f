package meter

import (
	"math/bits"
	"sync"
	"time"

	"github.com/talix-dev/talix"
)

// The figures reach back over Cells cells of CellTime.
const (
	Cells    = 90
	CellTime = 2 * time.Second
)

// buckets are of durations: the first takes those below 16 µs, and each later
// one those up to twice as long as the one before.
const buckets = 24

// series counts one thing over time.
type series struct {
	mu            sync.Mutex
	total, failed int64
	events        int64
	cells         [Cells]cell
}

// cell is a short time. at tells which one; a cell of another time is void.
type cell struct {
	at                    int64
	count, failed, events uint32
	durations             [buckets]uint32
}

func place(t time.Time) int64 { return t.UnixNano() / int64(CellTime) }

func (s *series) add(now time.Time, r *talix.Report) {
	at := place(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &s.cells[at%Cells]
	if c.at != at {
		*c = cell{at: at}
	}
	c.count++
	c.events += uint32(r.Events)
	c.durations[bucketOf(r.Duration)]++
	s.total++
	s.events += int64(r.Events)
	if r.Err != nil {
		c.failed++
		s.failed++
	}
}

func bucketOf(d time.Duration) int {
	return min(bits.Len64(uint64(max(d, 0))/uint64(16*time.Microsecond)), buckets-1)
}

// longest is the longest duration of a bucket.
func longest(bucket int) time.Duration { return 16 * time.Microsecond << bucket }

// Stat is how often and how fast something happens.
type Stat struct {
	Key
	Total, Failed, Events int64 // since the start
	// PerSecond, FailedPerSecond and EventsPerSecond are of the last ten
	// seconds or so.
	PerSecond, FailedPerSecond, EventsPerSecond float64
	// P50 and P99 are about how long half of the operations of the last
	// minutes took, and all but one in a hundred; at most twice too long. Zero:
	// there were none.
	P50, P99 time.Duration
	// Counts and Failures are of each cell, the oldest first; the last one is
	// under way.
	Counts, Failures [Cells]uint32
}

// recentCells are those of the rates.
const recentCells = 5

func (s *series) stat(k Key, now, made time.Time) Stat {
	at := place(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	st := Stat{Key: k, Total: s.total, Failed: s.failed, Events: s.events}
	var durations [buckets]uint32
	var events uint32
	for i := range Cells {
		c := &s.cells[(at+1+int64(i))%Cells]
		if c.at != at+1+int64(i)-Cells {
			continue
		}
		st.Counts[i], st.Failures[i] = c.count, c.failed
		if i >= Cells-recentCells {
			events += c.events
		}
		for b, n := range c.durations {
			durations[b] += n
		}
	}
	st.rates(events, min(now.Sub(time.Unix(0, (at-recentCells+1)*int64(CellTime))), max(now.Sub(made), time.Second)))
	st.P50, st.P99 = quantile(&durations, 50), quantile(&durations, 99)
	return st
}

func (st *Stat) rates(events uint32, over time.Duration) {
	var count, failed uint32
	for i := Cells - recentCells; i < Cells; i++ {
		count += st.Counts[i]
		failed += st.Failures[i]
	}
	seconds := over.Seconds()
	st.PerSecond, st.FailedPerSecond, st.EventsPerSecond = float64(count)/seconds, float64(failed)/seconds, float64(events)/seconds
}

func quantile(durations *[buckets]uint32, percent uint64) time.Duration {
	var all, sum uint64
	for _, n := range durations {
		all += uint64(n)
	}
	for b, n := range durations {
		if sum += uint64(n); sum > 0 && sum*100 >= all*percent {
			return longest(b)
		}
	}
	return 0
}
