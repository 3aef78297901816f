package entity

import (
	"time"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// piece is what a command adds to an append.
type piece struct {
	stream  store.Stream
	home    store.Partition
	epoch   store.Epoch   // that its owner has lent; zero: the own
	base    store.Version // that the stream must have
	events  []store.Event
	records []store.Change
	claims  []Claim
}

func (t *turn) piece() piece {
	l := t.live
	return piece{stream: l.stream, home: l.partition, base: l.version, events: t.events, records: t.timers, claims: t.claimed()}
}

// submitAll hands what several turns came to to the group commit, as one append;
// reply is that of all of them. The turns have one key, and the result stands in
// the first one's partition.
func (g *Engine) submitAll(turns []*turn, reply []byte) *commit.Pending {
	pieces, chains := make([]piece, len(turns)), make([]*commit.Chain, len(turns))
	for i, t := range turns {
		pieces[i], chains[i] = t.piece(), t.live.chain
	}
	var parts []commit.Part
	for _, part := range g.partsOf(pieces, turns[0].call, turns[0].now, reply) {
		if part.Epoch == store.Unfenced {
			parts = append(parts, commit.Part{Apart: part.Partition, Epoch: part.Epoch, Batch: part.Batch})
			continue
		}
		parts = append(parts, commit.Part{Group: g.cfg.Group(part.Partition), Batch: part.Batch})
	}
	if len(parts) == 1 {
		return parts[0].Group.Join(parts[0].Batch, chains...)
	}
	return commit.Span(parts, chains...)
}

// partsOf makes one append of pieces. The first part is that of the first piece,
// and has the result.
func (g *Engine) partsOf(pieces []piece, call *Call, now time.Time, reply []byte) (parts []store.Part) {
	for i := range pieces {
		p := &pieces[i]
		b := partOf(&parts, p.home, p.epoch)
		b.Records = append(b.Records, p.records...)
		b.Appends = append(b.Appends, store.Append{Stream: p.stream, Expect: p.base, Events: p.events})
	}
	for i := range pieces {
		g.addClaims(&parts, &pieces[i])
	}
	for i := range parts {
		b := &parts[i].Batch
		b.Time = now
		if !call.Repeatable {
			freshen(b, call.Key)
		}
	}
	if call.Repeatable {
		home := &parts[0].Batch
		home.Key, home.Result = call.Key, encodeResult(call, reply)
	}
	return parts
}

// partOf is what is done to a partition, to be added to. It is made under an
// epoch.
func partOf(parts *[]store.Part, p store.Partition, epoch store.Epoch) *store.Batch {
	for i := range *parts {
		if (*parts)[i].Partition == p {
			return &(*parts)[i].Batch
		}
	}
	*parts = append(*parts, store.Part{Partition: p, Epoch: epoch})
	return &(*parts)[len(*parts)-1].Batch
}

// freshen gives a batch a key that no one else has, if it has events to find a
// repeat by: the first append has to have them.
func freshen(b *store.Batch, key store.ID) {
	for i := range b.Appends {
		if len(b.Appends[i].Events) > 0 {
			b.Appends[0], b.Appends[i] = b.Appends[i], b.Appends[0]
			b.Key, b.Fresh = key, true
			return
		}
	}
}
