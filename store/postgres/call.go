package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/talix-dev/talix/store"
)

// The parameters of commit_group behind the first two, in order.
const (
	groupPartition = iota
	groupEvents
	groupHead
	groupEpoch
	coldAt
	coldType
	coldID
	coldStream
	coldVersion
	newAt
	newFirst
	newType
	newID
	eventAt
	eventDistance
	eventStream
	eventFirst
	eventVersion
	eventSchema
	eventTime
	eventSum
	eventID
	eventCommand
	eventCorrelation
	eventCausation
	eventType
	eventMetadata
	eventData
	keyAt
	keyKey
	keyTime
	keyResult
	markAt
	markConsumer
	markFrom
	markTo
	expectAt
	expectSpace
	expectKey
	expectRev
	underAt
	underSpace
	underFrom
	underTill
	deleteAt
	deleteSpace
	deleteKey
	putAt
	putSpace
	putKey
	putRev
	putDue
	putData
	parameters
)

// oids are the types of the parameters' elements.
func oids() [parameters]uint32 {
	return [parameters]uint32{
		int4OID, int4OID, int8OID, int8OID,
		int4OID, textOID, textOID, int8OID, int8OID,
		int4OID, int4OID, textOID, textOID,
		int4OID, int4OID, int8OID, int4OID, int8OID, int8OID, timeOID, int4OID, uuidOID, uuidOID, uuidOID, uuidOID, textOID, blobOID, blobOID,
		int4OID, uuidOID, timeOID, blobOID,
		int4OID, textOID, int8OID, int8OID,
		int4OID, blobOID, blobOID, uuidOID,
		int4OID, blobOID, blobOID, blobOID,
		int4OID, blobOID, blobOID,
		int4OID, blobOID, blobOID, uuidOID, int8OID, blobOID,
	}
}

// call is a call of commit_group in the making. Its memory is used again.
type call struct {
	arrays  [parameters]array
	scratch []byte
}

func (c *call) reset() {
	all := oids()
	resetAll(c.arrays[:], all[:])
}

func resetAll(arrays []array, oids []uint32) {
	for i, oid := range oids {
		if cap(arrays[i].bytes) > maxGroupBytes {
			arrays[i].bytes = nil // it was for an exception
		}
		arrays[i].reset(oid)
	}
}

// text is the statement.
func callText(schema string) string {
	params := make([]string, parameters+2)
	for i := range params {
		params[i] = fmt.Sprint("$", i+1)
	}
	return fmt.Sprintf("SELECT bases, refused FROM %s.commit_group(%s)", quoted(schema), strings.Join(params, ", "))
}

// params are the parameters' values.
func (c *call) params(of int, unsynced bool) [][]byte {
	return paramsOf([][]byte{int4Param(of), boolParam(unsynced)}, c.arrays[:])
}

func paramsOf(params [][]byte, arrays []array) [][]byte {
	for i := range arrays {
		params = append(params, arrays[i].param())
	}
	return params
}

func (c *call) bytes() int { return bytesOf(c.arrays[:]) }

func bytesOf(arrays []array) (n int) {
	for i := range arrays {
		n += len(arrays[i].bytes)
	}
	return n
}

// add adds the plan of a partition, the at-th of the call, counted from 1.
func (c *call) add(at int, p store.Partition, plan *plan, f fence) {
	a := &c.arrays
	a[groupPartition].int4(int(p))
	a[groupEvents].int4(len(plan.events))
	if f.position >= 0 {
		a[groupHead].int8(int64(f.position))
	} else {
		a[groupHead].null()
	}
	a[groupEpoch].above(f.epoch)
	c.addLines(at, plan.lines)
	for i := range plan.events {
		c.addEvent(at, i+1, plan.events[i])
	}
	for _, b := range plan.keys {
		a[keyAt].int4(at)
		a[keyKey].uuid(b.Key)
		a[keyTime].time(b.Time)
		a[keyResult].blob(b.Result)
	}
	for _, m := range plan.marks {
		a[markAt].int4(at)
		a[markConsumer].text(escape(m.consumer))
		a[markFrom].int8(int64(m.from))
		a[markTo].int8(int64(m.to))
	}
	c.addRecords(at, &plan.records)
}

func (c *call) addLines(at int, lines []*line) {
	a := &c.arrays
	for _, l := range lines {
		if !l.trusted {
			a[coldAt].int4(at)
			a[coldType].text(escape(l.stream.Type))
			a[coldID].text(escape(l.stream.ID))
			if l.number != 0 {
				a[coldStream].int8(l.number)
			} else {
				a[coldStream].null()
			}
			a[coldVersion].int8(int64(l.from))
		}
		if l.isNew() {
			a[newAt].int4(at)
			a[newFirst].int4(l.first)
			a[newType].text(escape(l.stream.Type))
			a[newID].text(escape(l.stream.ID))
		}
	}
}

func (c *call) addEvent(at, distance int, placed placed) {
	a, e, l := &c.arrays, placed.event, placed.line
	a[eventAt].int4(at)
	a[eventDistance].int4(distance)
	if l.number != 0 {
		a[eventStream].int8(l.number)
		a[eventFirst].null()
	} else {
		a[eventStream].null()
		a[eventFirst].int4(l.first)
	}
	c.scratch = addContents(a[eventVersion:], e, c.scratch)
}

func (c *call) addRecords(at int, o *overlay) {
	a := &c.arrays
	for _, x := range o.expects {
		a[expectAt].int4(at)
		a[expectSpace].text(x.name.space)
		a[expectKey].text(x.name.key)
		a[expectRev].uuid(x.rev)
	}
	for _, prefix := range o.unders {
		a[underAt].int4(at)
		a[underSpace].text(prefix.space)
		a[underFrom].text(prefix.key)
		a[underTill].text(till(prefix.key))
	}
	for _, s := range o.order {
		if s.put != nil {
			c.put(at, s)
			continue
		}
		a[deleteAt].int4(at)
		a[deleteSpace].text(s.name.space)
		a[deleteKey].text(s.name.key)
	}
}

func (c *call) put(at int, s *slot) {
	a := &c.arrays
	a[putAt].int4(at)
	a[putSpace].text(s.name.space)
	a[putKey].text(s.name.key)
	a[putRev].uuid(s.rev)
	if due, set := dueOf(s.put.Due); set {
		a[putDue].int8(due)
	} else {
		a[putDue].null()
	}
	a[putData].blob(s.put.Data)
}

// verdict is what commit_group says.
type verdict struct {
	bases   []int64
	refused []int64 // places
}

func (v *verdict) took(at int) bool { return !slices.Contains(v.refused, int64(at)) }
