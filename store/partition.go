package store

// PartitionOf is the partition that a stream belongs to in a store of n
// partitions. It never changes: stored data depends on it.
func PartitionOf(s Stream, n int) Partition {
	if n <= 1 {
		return 0
	}
	return PlaceOf(s).In(n)
}

// Place is where a stream belongs in stores of any number of partitions: what
// names it tells the partition without naming the stream.
type Place uint64

// PlaceOf is the place of a stream. It never changes: stored data depends on it.
func PlaceOf(s Stream) Place {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset) // FNV-1a over type, a zero byte, id
	for i := range len(s.Type) {
		h = (h ^ uint64(s.Type[i])) * prime
	}
	h *= prime
	for i := range len(s.ID) {
		h = (h ^ uint64(s.ID[i])) * prime
	}
	h ^= h >> 33 // FNV's low bits are weak for short keys
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return Place(h)
}

// In is the partition of a place in a store of n partitions.
func (p Place) In(n int) Partition {
	if n <= 1 {
		return 0
	}
	return Partition(uint64(p) % uint64(n))
}
