package postgres

import "github.com/talix-dev/talix/store"

// look reads, as of one moment, all that the batches of a request rest on.
func (w *writer) look(r *request) (*world, error) {
	if err := w.connect(); err != nil {
		return nil, err
	}
	ctx, cancel := w.store.deadline()
	defer cancel()
	q := questionsOf(r.batches)
	result := w.run(ctx, lookStatement, q.params(r.partition))
	if result.Err != nil {
		return nil, explainRead("look up what batches expect", w.store.late(ctx, result.Err))
	}
	return q.answers(result.Rows), nil
}

// lookText is one statement, so that what it tells is of one moment. Its rows
// are answers: of what kind, to which question, and up to three values.
const lookText = `
SELECT 0, 0::int8, p.head, p.epoch, NULL::bytea FROM %[1]s.partitions p WHERE p.partition = $1::int4
UNION ALL
SELECT 1, q.at, s.stream, (SELECT e.version FROM %[1]s.events e WHERE e.stream = s.stream ORDER BY e.version DESC LIMIT 1), NULL
FROM unnest($2::text[], $3::text[]) WITH ORDINALITY AS q(type, id, at) JOIN %[1]s.streams s ON s.id = q.id AND s.type = q.type
UNION ALL
SELECT 2, q.at, NULL, NULL, uuid_send(e.command)
FROM unnest($4::text[], $5::text[], $6::int8[]) WITH ORDINALITY AS q(type, id, version, at)
	JOIN %[1]s.streams s ON s.id = q.id AND s.type = q.type JOIN %[1]s.events e ON e.stream = s.stream AND e.version = q.version
UNION ALL
SELECT 3, q.at, NULL, NULL, r.result
FROM unnest($7::uuid[]) WITH ORDINALITY AS q(key, at) JOIN %[1]s.results r ON r.key = q.key AND r.partition = $1
UNION ALL
SELECT 4, q.at, m.position, NULL, NULL
FROM unnest($8::text[]) WITH ORDINALITY AS q(consumer, at) JOIN %[1]s.marks m ON m.consumer = q.consumer AND m.partition = $1
UNION ALL
SELECT 5, q.at, NULL, NULL, uuid_send(r.rev)
FROM unnest($9::bytea[], $10::bytea[]) WITH ORDINALITY AS q(space, key, at)
	JOIN %[1]s.records r ON r.partition = $1 AND r.space = q.space AND r.key = q.key`

// questions are what a request touches. A question may be there twice.
type questions struct {
	streams   []store.Stream
	places    []place
	keys      []store.ID
	consumers []string
	records   []name
}

func questionsOf(batches []store.Batch) *questions {
	q := &questions{}
	for i := range batches {
		b := &batches[i]
		for k := range b.Appends {
			q.streams = append(q.streams, b.Appends[k].Stream)
		}
		if at, fresh := freshPlace(b); fresh {
			q.places = append(q.places, at)
		}
		if !b.Key.IsZero() {
			q.keys = append(q.keys, b.Key)
		}
		for k := range b.Marks {
			q.consumers = append(q.consumers, b.Marks[k].Consumer)
		}
		for k := range b.Records {
			q.records = append(q.records, name{b.Records[k].Space, b.Records[k].Key})
		}
	}
	return q
}

func (q *questions) params(p store.Partition) [][]byte {
	var a [9]array
	for i, oid := range []uint32{textOID, textOID, textOID, textOID, int8OID, uuidOID, textOID, blobOID, blobOID} {
		a[i].reset(oid)
	}
	for _, s := range q.streams {
		a[0].text(escape(s.Type))
		a[1].text(escape(s.ID))
	}
	for _, at := range q.places {
		a[2].text(escape(at.stream.Type))
		a[3].text(escape(at.stream.ID))
		a[4].int8(int64(at.version))
	}
	for _, key := range q.keys {
		a[5].uuid(key)
	}
	for _, consumer := range q.consumers {
		a[6].text(escape(consumer))
	}
	for _, n := range q.records {
		a[7].text(n.space)
		a[8].text(n.key)
	}
	params := [][]byte{int4Param(int(p))}
	for i := range a {
		params = append(params, a[i].param())
	}
	return params
}

func (q *questions) answers(rows [][][]byte) *world {
	w := &world{
		streams: map[store.Stream]head{}, places: map[place]store.ID{}, results: map[store.ID][]byte{},
		marks: map[string]store.Position{}, revs: map[name]store.ID{},
	}
	for _, v := range rows {
		kind, at := readInt(v[0]), readInt(v[1])-1
		switch kind {
		case 0:
			w.position, w.epoch = store.Position(readInt(v[2])), readInt(v[3])
		case 1:
			w.streams[q.streams[at]] = head{readInt(v[2]), store.Version(readInt(v[3]))}
		case 2:
			w.places[q.places[at]] = readID(v[4])
		case 3:
			w.results[q.keys[at]] = append([]byte{}, v[4]...)
		case 4:
			w.marks[q.consumers[at]] = store.Position(readInt(v[2]))
		case 5:
			w.revs[q.records[at]] = readID(v[4])
		}
	}
	return w
}
