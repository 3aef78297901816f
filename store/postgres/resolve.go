package postgres

import "github.com/talix-dev/talix/store"

// resolve learns the numbers of the streams of a group that should exist and
// are not remembered. If it fails, the requests are looked into one by one.
func (w *writer) resolve(group []*request) {
	missing := w.store.missing(group)
	if len(missing) == 0 {
		return
	}
	var types, ids array
	types.reset(textOID)
	ids.reset(textOID)
	for _, m := range missing {
		types.text(escape(m.stream.Type))
		ids.text(escape(m.stream.ID))
	}
	ctx, cancel := w.store.deadline()
	defer cancel()
	for _, row := range w.run(ctx, resolveStatement, [][]byte{types.param(), ids.param()}).Rows {
		m := missing[readInt(row[0])-1]
		m.memory.learn(m.stream, readInt(row[1]), m.generation)
	}
}

const resolveText = "SELECT q.at, s.stream FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS q(type, id, at) JOIN %[1]s.streams s ON s.id = q.id AND s.type = q.type"

// unresolved is a stream whose number is not remembered.
type unresolved struct {
	stream     store.Stream
	memory     *memory
	generation int64
}

func (s *Store) missing(group []*request) (missing []unresolved) {
	for _, r := range group {
		made := map[store.Stream]bool{} // by the request itself
		for i := range r.batches {
			for k := range r.batches[i].Appends {
				a := &r.batches[i].Appends[k]
				if a.Expect == 0 {
					made[a.Stream] = true
				} else if m := s.memories[r.partition]; !made[a.Stream] {
					missing = m.missing(missing, a.Stream)
				}
			}
		}
	}
	return missing
}

func (m *memory) missing(missing []unresolved, s store.Stream) []unresolved {
	if number, generation := m.number(s); number == 0 {
		return append(missing, unresolved{s, m, generation})
	}
	return missing
}
