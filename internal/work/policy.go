package work

import (
	"cmp"
	"errors"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/talix-dev/talix/internal/registry"
)

// Policy says how what failed is tried again. Zero fields take the defaults
// named.
type Policy struct {
	// First and Most are the pauses after the first failure and at most; in
	// between they double. Default to 100 ms and one minute.
	First, Most time.Duration
	// Attempts is how often it is tried in all; below zero: without end.
	// Defaults to 10.
	Attempts int
	// Limit is how long after the first failure it is still tried; there is
	// one last attempt at that moment. Zero: without end.
	Limit time.Duration
}

func (p Policy) withDefaults() Policy {
	p.First = cmp.Or(max(p.First, 0), 100*time.Millisecond)
	p.Most = max(p.First, cmp.Or(max(p.Most, 0), time.Minute))
	p.Attempts = cmp.Or(p.Attempts, 10)
	return p
}

// MaxError is how much of an error's message is kept, in bytes.
const MaxError = 8 << 10

// Failed is the item after an attempt that failed: due again after a pause, or
// Parked when the attempts or the time are used up or trying again is of no
// use. It stays Compensating if it was. jitter makes a duration at random below
// the one given; nil stands for an even spread.
func (p Policy) Failed(item Item, err error, now time.Time, jitter func(time.Duration) time.Duration) Item {
	p = p.withDefaults()
	item.Attempts++
	if item.Failing.IsZero() {
		item.Failing = now.UTC()
	}
	item.Error, item.Code = clip(err.Error()), codeOf(err)
	if final(err) || p.spent(&item, now) {
		item.Status, item.Due = Parked, time.Time{}
		return item
	}
	item.Due = now.Add(spread(p.pause(item.Attempts), jitter))
	if last := item.Failing.Add(p.Limit); p.Limit > 0 && item.Due.After(last) {
		item.Due = last
	}
	return ready(item)
}

// Postponed is the item after an attempt that Outage says is nobody's fault:
// due again after a pause, and nothing is counted.
func (p Policy) Postponed(item Item, err error, now time.Time, jitter func(time.Duration) time.Duration) Item {
	p = p.withDefaults()
	item.Error, item.Code = clip(err.Error()), codeOf(err)
	item.Due = now.Add(spread(min(p.Most, max(p.First, time.Second)), jitter))
	return ready(item)
}

// Outage tells whether an error is of the engine's surroundings, such as a
// store that is away, and so nobody's fault: it is tried again without
// counting.
func Outage(err error) bool {
	if i, ok := errors.AsType[*registry.Interrupt](err); ok {
		return i.Kind == registry.Broken
	}
	f, ok := errors.AsType[*registry.Fault](err)
	return ok && !f.Final && (f.Code == registry.Unavailable || f.Code == registry.Overloaded)
}

// Recovered is the item with its failures forgotten, since it went on.
func (i Item) Recovered() Item {
	i.Attempts, i.Failing, i.Error, i.Code = 0, time.Time{}, "", ""
	return i
}

func ready(item Item) Item {
	if item.Status != Compensating {
		item.Status = Ready
	}
	return item
}

func (p Policy) spent(item *Item, now time.Time) bool {
	if p.Attempts > 0 && item.Attempts >= p.Attempts {
		return true
	}
	return p.Limit > 0 && now.Sub(item.Failing) >= p.Limit
}

// pause is how long to wait after the nth failure.
func (p Policy) pause(n int) time.Duration {
	d := p.First
	for range n - 1 {
		if d >= p.Most/2+p.Most%2 {
			return p.Most
		}
		d *= 2
	}
	return min(d, p.Most)
}

// spread makes a pause of at least half of d and at most d.
func spread(d time.Duration, jitter func(time.Duration) time.Duration) time.Duration {
	if jitter == nil {
		jitter = rand.N[time.Duration]
	}
	return d - d/2 + jitter(d/2+1)
}

// final tells whether trying again is of no use.
func final(err error) bool {
	if i, ok := errors.AsType[*registry.Interrupt](err); ok && (i.Kind == registry.Changed || i.Kind == registry.Misused) {
		return true
	}
	for f, ok := errors.AsType[*registry.Fault](err); ok; f, ok = errors.AsType[*registry.Fault](f.Cause) {
		if f.Final {
			return true
		}
	}
	return false
}

func codeOf(err error) string {
	if i, ok := errors.AsType[*registry.Interrupt](err); ok {
		switch i.Kind {
		case registry.Changed:
			return "changed"
		case registry.Misused:
			return "misused"
		case registry.Broken:
			return string(registry.Unavailable)
		}
	}
	if f, ok := errors.AsType[*registry.Fault](err); ok {
		return string(f.Code)
	}
	return string(registry.Internal)
}

// clip bounds a message, at the border of a character.
func clip(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxError {
		return s
	}
	const more = "…"
	n := MaxError - len(more)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + more
}
