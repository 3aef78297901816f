// Package id makes identifiers.
package id

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// Source makes UUIDv7s (RFC 9562): their order is that of their making, so
// that indexes over them grow at one end. It may be used from many goroutines.
type Source struct {
	now  func() time.Time
	last atomic.Uint64 // milliseconds and a fraction of 12 bits, as the id has them
}

// NewSource makes ids by the given clock.
func NewSource(now func() time.Time) *Source { return &Source{now: now} }

// New makes an id that is greater than those before, even when the clock went
// back.
func (s *Source) New() store.ID {
	return compose(s.tick(), rand.Uint64(), 7)
}

func (s *Source) tick() uint64 {
	now := s.now()
	t := uint64(now.UnixMilli())<<12 | uint64(now.Nanosecond()%1e6)<<12/1e6
	for {
		last := s.last.Load()
		if t <= last {
			t = last + 1
		}
		if s.last.CompareAndSwap(last, t) {
			return t
		}
	}
}

// compose puts 60 bits of time, a version and 62 random bits together.
func compose(t, random uint64, version byte) store.ID {
	var b store.ID
	binary.BigEndian.PutUint64(b[:8], t<<4) // 48 bits of milliseconds, 12 of fraction
	b[7] = b[6]<<4 | b[7]>>4                // make room for the version
	b[6] = version<<4 | b[6]>>4
	binary.BigEndian.PutUint64(b[8:], random)
	b[8] = b[8]&0x3f | 0x80
	return b
}

// Derive makes the nth id of a base: the same for the same arguments, and close
// to the base in order. It is a UUIDv8.
func Derive(base store.ID, n uint64) store.ID {
	var in [24]byte
	copy(in[:], base[:])
	binary.BigEndian.PutUint64(in[16:], n)
	return stamp(base, sha256.Sum256(in[:]))
}

// DeriveName is Derive with a name.
func DeriveName(base store.ID, name string) store.ID {
	return stamp(base, sha256.Sum256(append(base[:], name...)))
}

func stamp(base store.ID, sum [32]byte) store.ID {
	d := store.ID(sum[:16])
	copy(d[:6], base[:6])
	return versioned(d)
}

// Hash makes an id of texts: the same for the same texts. It is a UUIDv8.
func Hash(texts ...string) store.ID {
	h := sha256.New()
	var n [8]byte
	for _, t := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(t)))
		h.Write(n[:])
		h.Write([]byte(t))
	}
	return versioned(store.ID(h.Sum(nil)[:16]))
}

func versioned(d store.ID) store.ID {
	d[6] = d[6]&0x0f | 0x80
	d[8] = d[8]&0x3f | 0x80
	return d
}

// Within tells whether a text is a UUIDv7 that was made at most age before
// now, by a clock that is near.
func Within(text string, now time.Time, age time.Duration) bool {
	if len(text) != 36 || text[14] != '7' {
		return false
	}
	parsed, err := store.ParseID(text)
	if err != nil {
		return false
	}
	millis := int64(binary.BigEndian.Uint64(parsed[:8]) >> 16)
	since := now.UnixMilli() - millis
	return since >= 0 && since <= age.Milliseconds()
}
