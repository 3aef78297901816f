package postgres

import (
	"fmt"
	"slices"

	"github.com/talix-dev/talix/store"
)

// trusted tells whether a plan does no more than append to streams whose state
// is known as long as the partition's head is where it is thought to be. That
// is what commands on living entities come to, mostly.
func (d *draft) trusted() bool {
	p := d.plan
	if d.fence.position < 0 || len(p.events) == 0 || len(p.keys)+len(p.marks) > 0 || p.records.touched() {
		return false
	}
	return !slices.ContainsFunc(p.lines, func(l *line) bool { return !l.trusted })
}

// trustedText is a statement that writes trusted plans alone, all of them or
// none: it fails with codeRefused if a head or an epoch is not as given. There is
// nothing to look up behind the lock of the heads, so it needs no function, whose
// call takes as long as a dozen events; and unnest stands in the lists of
// columns, where its rows are not gathered first.
func trustedText(schema string) string {
	return fmt.Sprintf(`
WITH m AS (
	UPDATE %[1]s.partitions p SET head = p.head + g.events
	FROM (SELECT unnest($2::int4[]), unnest($3::int4[]), unnest($4::int8[]), unnest($5::int8[])) AS g(partition, events, head, epoch)
	WHERE p.partition = g.partition AND p.head = g.head AND (g.epoch IS NULL OR p.epoch = g.epoch)
	RETURNING 1),
e AS (
	INSERT INTO %[1]s.events (partition, position, stream, version, schema, time, sum, id, command, correlation, causation, type, metadata, data)
	SELECT unnest($6::int4[]), unnest($7::int8[]), unnest($8::int8[]), unnest($9::int8[]), unnest($10::int8[]),
		unnest($11::timestamptz[]), unnest($12::int4[]), unnest($13::uuid[]), unnest($14::uuid[]), unnest($15::uuid[]), unnest($16::uuid[]),
		unnest($17::text[]), unnest($18::bytea[]), unnest($19::bytea[]))
SELECT 1 / (count(*) = cardinality($2::int4[]))::int4,
	CASE WHEN NOT $1::bool AND current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
FROM m`, quoted(schema))
}

// The parameters of the statement behind the first one, in order; those of
// events' contents stand at the end.
const (
	briefPartition = iota
	briefEvents
	briefHead
	briefEpoch
	briefAt
	briefPosition
	briefStream
	briefContents
	briefParameters = briefContents + contents
)

func briefOIDs() []uint32 {
	return append([]uint32{int4OID, int4OID, int8OID, int8OID, int4OID, int8OID, int8OID}, contentOIDs()...)
}

// brief is a call of trustedText in the making. Its memory is used again.
type brief struct {
	arrays  [briefParameters]array
	scratch []byte
}

func (b *brief) reset() { resetAll(b.arrays[:], briefOIDs()) }

func (b *brief) bytes() int { return bytesOf(b.arrays[:]) }

func (b *brief) params(unsynced bool) [][]byte {
	return paramsOf([][]byte{boolParam(unsynced)}, b.arrays[:])
}

func (b *brief) add(d *draft) {
	a := &b.arrays
	a[briefPartition].int4(int(d.partition))
	a[briefEvents].int4(len(d.plan.events))
	a[briefHead].int8(int64(d.fence.position))
	a[briefEpoch].above(d.fence.epoch)
	for i, e := range d.plan.events {
		a[briefAt].int4(int(d.partition))
		a[briefPosition].int8(int64(d.fence.position) + int64(i) + 1)
		a[briefStream].int8(e.line.number)
		b.scratch = addContents(a[briefContents:], e.event, b.scratch)
	}
}

// writeTrusted writes plans by trustedText; false: they were refused, or have to
// be written otherwise.
func (w *writer) writeTrusted(drafts []*draft) (verdict, bool, error) {
	if slices.ContainsFunc(drafts, func(d *draft) bool { return !d.trusted() }) {
		return verdict{}, false, nil
	}
	w.brief.reset()
	for _, d := range drafts {
		w.brief.add(d)
	}
	_, err := w.send(trustedStatement, w.brief.params(w.store.config.NoSync), w.brief.bytes())
	switch {
	case err == nil:
		return verdict{bases: basesOf(drafts)}, true, nil
	case !wroteNothing(err):
		return verdict{}, true, err
	case len(drafts) == 1 && isCode(err, codeRefused): // it is clear which one
		return verdict{refused: []int64{1}}, true, nil
	}
	return verdict{}, false, nil
}

func basesOf(drafts []*draft) []int64 {
	bases := make([]int64, len(drafts))
	for i, d := range drafts {
		bases[i] = int64(d.fence.position)
	}
	return bases
}

// contents is how many parameters an event's contents take.
const contents = eventData - eventVersion + 1

func contentOIDs() []uint32 {
	all := oids()
	return all[eventVersion : eventData+1]
}

// addContents adds what an event consists of, wherever its place is, and returns
// the memory that it used.
func addContents(a []array, e *store.Event, scratch []byte) []byte {
	scratch = canonical(scratch[:0], e)
	a[0].int8(int64(e.Version))
	a[eventSchema-eventVersion].int8(int64(e.Schema))
	a[eventTime-eventVersion].time(e.Time)
	a[eventSum-eventVersion].int4(int(int32(checksum(scratch))))
	a[eventID-eventVersion].uuid(e.ID)
	a[eventCommand-eventVersion].uuid(e.Command)
	a[eventCorrelation-eventVersion].uuid(e.Correlation)
	a[eventCausation-eventVersion].uuid(e.Causation)
	a[eventType-eventVersion].text(escape(e.Type))
	if e.Metadata == nil {
		a[eventMetadata-eventVersion].null()
	} else {
		a[eventMetadata-eventVersion].blob(e.Metadata)
	}
	a[eventData-eventVersion].blob(e.Data)
	return scratch
}
