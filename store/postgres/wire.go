package postgres

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
	"github.com/talix-dev/talix/store"
)

// array is a parameter of the type array, in PostgreSQL's binary form, to
// which values are appended one by one: encoding by hand takes a fraction of
// what a general encoder does, and is done for every event.
type array struct {
	oid   uint32
	count uint32
	nulls bool
	bytes []byte // behind the header
}

const arrayHeader = 20

// reset empties the array and keeps its memory.
func (a *array) reset(oid uint32) {
	a.oid, a.count, a.nulls = oid, 0, false
	if cap(a.bytes) < arrayHeader {
		a.bytes = make([]byte, arrayHeader, 256)
	}
	a.bytes = a.bytes[:arrayHeader]
}

// param is the parameter; it holds until reset.
func (a *array) param() []byte {
	b := a.bytes
	dimensions := uint32(1)
	if a.count == 0 {
		dimensions, b = 0, b[:12]
	}
	binary.BigEndian.PutUint32(b, dimensions)
	binary.BigEndian.PutUint32(b[4:], 0)
	if a.nulls {
		b[7] = 1
	}
	binary.BigEndian.PutUint32(b[8:], a.oid)
	if a.count > 0 {
		binary.BigEndian.PutUint32(b[12:], a.count)
		binary.BigEndian.PutUint32(b[16:], 1)
	}
	return b
}

func (a *array) size(n int) {
	a.count++
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(n))
}

func (a *array) null() {
	a.count++
	a.nulls = true
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, 0xffffffff)
}

func (a *array) int4(v int) {
	a.size(4)
	a.bytes = binary.BigEndian.AppendUint32(a.bytes, uint32(v))
}

func (a *array) int8(v int64) {
	a.size(8)
	a.bytes = binary.BigEndian.AppendUint64(a.bytes, uint64(v))
}

func (a *array) text(v string) {
	a.size(len(v))
	a.bytes = append(a.bytes, v...)
}

func (a *array) blob(v []byte) {
	a.size(len(v))
	a.bytes = append(a.bytes, v...)
}

// uuid writes a zero id as null.
func (a *array) uuid(v store.ID) {
	if v.IsZero() {
		a.null()
		return
	}
	a.size(len(v))
	a.bytes = append(a.bytes, v[:]...)
}

// above writes zero as null.
func (a *array) above(v int64) {
	if v > 0 {
		a.int8(v)
		return
	}
	a.null()
}

// epoch is where PostgreSQL's times begin, in microseconds since 1970.
const epoch = 946_684_800_000_000

func (a *array) time(t time.Time) { a.int8(t.UnixMicro() - epoch) }

// The first and the last time that PostgreSQL can tell, as time.UnixMicro.
const (
	firstTime = -211_813_488_000_000_000 + epoch
	lastTime  = 9_223_371_331_200_000_000 - 1 + epoch - 1_000_000_000_000_000
)

// storable tells whether a time can be stored.
func storable(t time.Time) bool {
	if y := t.Year(); y < -4700 || y > 290_000 {
		return false // UnixMicro would overflow further out
	}
	return t.UnixMicro() >= firstTime && t.UnixMicro() <= lastTime
}

// int4Param is a parameter of the type int4.
func int4Param(v int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(v)) }

func boolParam(v bool) []byte {
	if v {
		return []byte{1}
	}
	return []byte{0}
}

// Object ids of PostgreSQL's types.
const (
	int4OID = pgtype.Int4OID
	int8OID = pgtype.Int8OID
	textOID = pgtype.TextOID
	blobOID = pgtype.ByteaOID
	uuidOID = pgtype.UUIDOID
	timeOID = pgtype.TimestamptzOID
)

// What a row holds, in binary form.

func readInt(b []byte) int64 {
	switch len(b) {
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case 8:
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}

func readFloat(b []byte) float64 { return math.Float64frombits(uint64(readInt(b))) }

func readTime(b []byte) time.Time { return time.UnixMicro(readInt(b) + epoch).UTC() }

// readID is zero for null.
func readID(b []byte) (id store.ID) {
	copy(id[:], b)
	return id
}

// readInts reads an array of integers; nulls are zero.
func readInts(b []byte) []int64 {
	if len(b) < arrayHeader {
		return nil
	}
	ints := make([]int64, 0, binary.BigEndian.Uint32(b[12:]))
	for b = b[arrayHeader:]; len(b) >= 4; {
		n := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if n < 0 {
			ints = append(ints, 0)
			continue
		}
		ints = append(ints, readInt(b[:n]))
		b = b[n:]
	}
	return ints
}
