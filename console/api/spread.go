package api

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// spread counts durations by how long they are: by powers of two, each cut in
// sixteen. Its methods may be called from many goroutines.
type spread struct {
	cells   [64 * parts]atomic.Int64
	longest atomic.Int64
}

const (
	parts    = 1 << partBits
	partBits = 4
)

func (s *spread) add(d time.Duration) {
	n := max(int64(d), 0)
	s.cells[cellOf(n)].Add(1)
	for {
		longest := s.longest.Load()
		if n <= longest || s.longest.CompareAndSwap(longest, n) {
			return
		}
	}
}

// cellOf is where a number is counted: small ones by themselves.
func cellOf(n int64) int {
	if n < parts {
		return int(n)
	}
	shift := bits.Len64(uint64(n)) - partBits - 1
	return (shift+1)*parts + int(n>>shift) - parts
}

// highest is the largest number that is counted in a cell.
func highest(cell int) int64 {
	if cell < parts {
		return int64(cell)
	}
	shift := cell/parts - 1
	return int64(cell%parts+parts+1)<<shift - 1
}

func (s *spread) count() (n int64) {
	for i := range s.cells {
		n += s.cells[i].Load()
	}
	return n
}

// at is how many seconds a part of the durations take at most.
func (s *spread) at(part float64) float64 {
	longest := time.Duration(s.longest.Load())
	left := int64(part * float64(s.count()))
	if part >= 1 {
		return longest.Seconds()
	}
	for i := range s.cells {
		if left -= s.cells[i].Load(); left < 0 {
			return min(time.Duration(highest(i)), longest).Seconds()
		}
	}
	return longest.Seconds()
}
