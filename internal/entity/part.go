package entity

import (
	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/store"
)

// submitAll hands what several turns came to to the group commit, as one append;
// reply is that of all of them. The turns have one key, and the result stands in
// the first one's partition.
func (g *Engine) submitAll(turns []*turn, reply []byte) *commit.Pending {
	var parts []commit.Part
	chains := make([]*commit.Chain, len(turns))
	for i, t := range turns {
		chains[i] = t.live.chain
		b := g.partOf(&parts, t.live.partition)
		b.Records = append(b.Records, t.timers...)
		b.Appends = append(b.Appends, store.Append{Stream: t.live.stream, Expect: t.live.version, Events: t.events})
	}
	for _, t := range turns {
		g.addClaims(&parts, t)
	}
	call := turns[0].call
	for i := range parts {
		b := &parts[i].Batch
		b.Time = turns[0].now
		if !call.Repeatable {
			g.freshen(b, call.Key)
		}
	}
	if call.Repeatable {
		home := &parts[0].Batch
		home.Key, home.Result = call.Key, encodeResult(call.Digest, reply)
	}
	if len(parts) == 1 {
		return parts[0].Group.Join(parts[0].Batch, chains...)
	}
	return commit.Span(parts, chains...)
}

// partOf is what is done to a partition, to be added to.
func (g *Engine) partOf(parts *[]commit.Part, p store.Partition) *store.Batch {
	group := g.cfg.Group(p)
	for i := range *parts {
		if (*parts)[i].Group == group {
			return &(*parts)[i].Batch
		}
	}
	*parts = append(*parts, commit.Part{Group: group})
	return &(*parts)[len(*parts)-1].Batch
}

// freshen gives a batch a key that no one else has, if it has events to find a
// repeat by: the first append has to have them.
func (g *Engine) freshen(b *store.Batch, key store.ID) {
	for i := range b.Appends {
		if len(b.Appends[i].Events) > 0 {
			b.Appends[0], b.Appends[i] = b.Appends[i], b.Appends[0]
			b.Key, b.Fresh = key, true
			return
		}
	}
}
