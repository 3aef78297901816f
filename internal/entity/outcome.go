package entity

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/talix-dev/talix/internal/commit"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/store"
)

// Digest tells the inputs of two commands apart.
type Digest [12]byte

// DigestOf is the digest of a command for an entity with an input.
func DigestOf(command, id string, in []byte) Digest {
	h := sha256.New()
	var n [4]byte
	for _, s := range []string{command, id} {
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	h.Write(in)
	return Digest(h.Sum(nil)[:len(Digest{})])
}

// encodeResult is what is stored of a call, whose home is where its entity, or
// the first one of its group, is: the digest of the input followed by the reply.
func encodeResult(call *Call, reply []byte) []byte {
	b := make([]byte, 0, result.Head+len(call.Digest)+len(reply))
	b = append(result.Begin(b, streamOf(call)), call.Digest[:]...)
	return append(b, reply...)
}

// await waits for a turn's own append and tells what it led to.
func (g *Engine) await(ctx context.Context, l *live, call *Call, t *turn) (reply Reply, again bool, err error) {
	p, err := g.settle(ctx, t.pending, l, call)
	if err != nil {
		return Reply{}, false, err
	}
	switch o := p.Outcome(); {
	case o.Status == store.Conflict:
		return Reply{}, true, nil
	case o.Status == store.Duplicate && call.Repeatable:
		reply, err := g.first(l.partition, call, o.Result)
		return reply, false, err
	default:
		return t.done(p), false, nil
	}
}

// settle waits until it is known what became of an append. The one it returns,
// which may be another try of it, is Durable, a Duplicate or a Conflict.
func (g *Engine) settle(ctx context.Context, p *commit.Pending, l *live, calls ...*Call) (*commit.Pending, error) {
	told, err := p.Settle(ctx, func(tries int) error {
		if tries >= g.cfg.Attempts {
			return errTries
		}
		return g.again(ctx, tries-1, true, calls...)
	})
	switch {
	case err != nil:
		return nil, unknown(err)
	case told.Outcome().Status == store.Failed:
		return nil, g.failed(l.stream, told != p, told.Outcome().Err)
	}
	return told, nil
}

var errTries = errors.New("the store did not tell so often that it is not asked again")

// done is the reply of a turn whose append is durable, by this try of it or by
// an earlier one.
func (t *turn) done(p *commit.Pending) Reply {
	t.armed()
	if len(t.events) > 0 && t.call.Appended != nil {
		t.call.Appended(t.events)
	}
	t.offer()
	return Reply{
		Data: t.reply, Value: t.out, Events: len(t.events), Partition: t.live.partition,
		Position: p.Place(t.live.partition), Repeated: p.Outcome().Status == store.Duplicate,
	}
}

func (g *Engine) failed(s store.Stream, again bool, cause error) error {
	if again {
		return unknown(cause) // the first try may still have been stored
	}
	if errors.Is(cause, store.ErrFenced) {
		return elsewhere(cause)
	}
	if f := refused(cause); f != nil {
		return f
	}
	g.cfg.Log.Error("append events", "entity", s.String(), "error", cause)
	return registry.Faultf(registry.Unavailable, "the store does not take events at the moment; try again later").Because(cause)
}

func unknown(cause error) error {
	return registry.Faultf(registry.Unknown, "whether the command had its effect is not known yet; send it again with the same key").Because(cause)
}

// recall finds the reply of an earlier call with the same key.
func (g *Engine) recall(ctx context.Context, p store.Partition, call *Call) (reply Reply, found bool, err error) {
	stored, found, err := g.cfg.Store.Result(ctx, p, call.Key)
	if err != nil {
		return Reply{}, false, registry.Faultf(registry.Unavailable, "the store cannot be read at the moment; try again later").Because(fmt.Errorf("read result: %w", err))
	}
	if !found {
		return Reply{}, false, nil
	}
	reply, err = g.first(p, call, stored)
	return reply, true, err
}

// first is the reply in a stored result, if it is that of the same input.
func (g *Engine) first(p store.Partition, call *Call, stored []byte) (Reply, error) {
	_, kept, err := result.Open(stored)
	if err != nil || len(kept) < len(call.Digest) || Digest(kept[:len(call.Digest)]) != call.Digest {
		f := registry.Faultf(registry.Invalid, "this key was used before for another command or input; use a new one")
		return Reply{}, f.Because(err)
	}
	data, err := g.cfg.Seal.Kept(context.Background(), kept[len(call.Digest):])
	return Reply{Data: data, Partition: p, Repeated: true}, err
}
