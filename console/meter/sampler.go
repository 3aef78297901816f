package meter

import (
	"encoding/binary"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/store"
)

// sampler decides by its correlation id what is remembered, so that all of one
// request is, or nothing. It takes one in two to the power of shift, which
// follows the load from second to second.
type sampler struct {
	most   int64
	shift  atomic.Int32
	second atomic.Int64
	taken  atomic.Int64 // in this second
}

func (s *sampler) takes(now time.Time, id store.ID) bool {
	if second := now.Unix(); second != s.second.Load() {
		s.turn(second)
	}
	if s.taken.Load() > s.most { // at once, not only from the next second on
		s.taken.Store(s.most / 2)
		s.shift.Store(min(s.shift.Load()+1, 32))
	}
	mask := uint64(1)<<s.shift.Load() - 1
	if mixed(id)&mask != 0 {
		return false
	}
	s.taken.Add(1)
	return true
}

// turn begins a second: where little was taken, more will be.
func (s *sampler) turn(second int64) {
	before := s.second.Swap(second)
	if before == second {
		return
	}
	if taken := s.taken.Swap(0); taken < s.most/4 || before < second-1 {
		s.shift.Store(max(s.shift.Load()-1, 0))
	}
}

func mixed(id store.ID) uint64 {
	return (binary.BigEndian.Uint64(id[8:]) ^ binary.BigEndian.Uint64(id[:])) * 0x9e3779b97f4a7c15 >> 16
}

// OneIn tells that of so many correlation ids one is remembered at present.
func (m *Meter) OneIn() uint64 { return 1 << m.sampler.shift.Load() }
