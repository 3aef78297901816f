package entity

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/store"
)

// Nodes are the processes that share a store with this one, and what they have
// to agree on where a group is of entities that several of them own.
type Nodes interface {
	// Epoch is the one under which this process serves a partition; false while
	// it does not.
	Epoch(p store.Partition) (store.Epoch, bool)
	// Renew sees to it that a partition is not served before nothing can be
	// stored any more under the epoch, if it is still the present one.
	Renew(p store.Partition, epoch store.Epoch)
	// Hold is Engine.Hold in the process that owns the partition. The id names
	// what is held. Errors are ErrHere, ErrLost or *registry.Fault.
	Hold(ctx context.Context, p store.Partition, id store.ID, call *Call, now time.Time, beside []Claim) (*Decision, error)
	// Tell tells whoever holds something under an id what became of it. Who
	// cannot be told finds out.
	Tell(ctx context.Context, p store.Partition, id store.ID, f Fate)
}

// ErrHere: the partition is owned by this process.
var ErrHere = errors.New("this process owns the partition")

// ErrLost: an answer was lost, so that something may be held.
var ErrLost = errors.New("the owner's answer was lost")

// spread is a group of entities that several processes own. The turns of all are
// taken in their order, as those of any group, and held until the outcome is
// known: the one append is made here, under the epochs of all owners.
type spread struct {
	engine *Engine
	calls  []*Call
	now    time.Time
	shares []*share // of the first calls, which are held
	lost   store.Stream
}

// share is what is held of one entity.
type share struct {
	id   store.ID
	home store.Partition
	here *Held // nil: elsewhere
	*Decision
}

func (g *Engine) runSpread(ctx context.Context, calls []*Call) ([]Reply, error) {
	s := &spread{engine: g, calls: calls}
	var cause error
	for attempt := range g.cfg.Attempts {
		replies, again, err := s.attempt(ctx)
		if !again {
			return replies, err
		}
		cause = err
		if attempt+1 == g.cfg.Attempts {
			break
		}
		if err := g.again(ctx, attempt, false, calls...); err != nil {
			return nil, notStarted(err)
		}
	}
	if cause != nil {
		return nil, elsewhere(cause)
	}
	return nil, contended(cmp.Or(s.lost, streamOf(calls[0])))
}

// attempt decides once, and commits; again tells that owners or states were
// others than they seemed.
func (s *spread) attempt(ctx context.Context) (replies []Reply, again bool, err error) {
	s.shares, s.now = nil, s.engine.now()
	if err := s.hold(ctx); err != nil {
		s.tell(ctx, store.Failed)
		if errors.Is(err, ErrLost) {
			return nil, true, err
		}
		return s.rejected(ctx, err)
	}
	parts, err := s.parts()
	if err != nil {
		s.tell(ctx, store.Failed)
		return nil, false, err
	}
	out, err := s.commit(ctx, parts)
	if out.Status == store.Duplicate && !s.calls[0].Repeatable {
		out.Status = store.Durable // by an earlier try
	}
	if out.Status == store.Conflict {
		s.findLost(ctx)
	}
	s.tell(ctx, out.Status)
	switch {
	case err != nil:
		return nil, errors.Is(err, ErrElsewhere), err
	case out.Status == store.Conflict:
		return nil, true, nil
	case out.Status == store.Duplicate:
		first, err := s.engine.first(s.shares[0].home, s.calls[0], out.Result)
		if err != nil {
			return nil, false, err
		}
		replies, err = s.engine.replies(s.calls, first)
		return replies, false, err
	}
	return s.replies(), false, nil
}

// hold takes the turns of all entities in their order, wherever they are, and
// has each command decided.
func (s *spread) hold(ctx context.Context) error {
	var beside []Claim
	for _, c := range s.calls {
		sh := &share{id: s.engine.cfg.NewID(), home: s.engine.Home(c)}
		err := s.holdOne(ctx, sh, c, beside)
		if err == nil || errors.Is(err, ErrLost) {
			s.shares = append(s.shares, sh)
		}
		if err != nil {
			return about(streamOf(c), err)
		}
		beside = append(beside, sh.Claims...)
	}
	return nil
}

func (s *spread) holdOne(ctx context.Context, sh *share, c *Call, beside []Claim) error {
	for {
		held, err := s.engine.Hold(ctx, c, s.now, beside)
		if err == nil {
			sh.here, sh.Decision = held, &held.Decision
		}
		if !errors.Is(err, ErrElsewhere) {
			return err
		}
		sh.Decision, err = s.engine.cfg.Nodes.Hold(ctx, sh.home, sh.id, c, s.now, beside)
		if !errors.Is(err, ErrHere) {
			return err
		}
	}
}

// parts are the group's append, under the epochs of all owners. What it has no
// events for is checked all the same.
func (s *spread) parts() ([]store.Part, error) {
	pieces, replies := make([]piece, len(s.shares)), make([]json.RawMessage, len(s.shares))
	for i, sh := range s.shares {
		replies[i] = sh.Kept
		pieces[i] = piece{
			stream: streamOf(s.calls[i]), home: sh.home, epoch: sh.Epoch,
			base: sh.Base, events: sh.Events, records: sh.Records, claims: sh.Claims,
		}
	}
	reply, err := json.Marshal(replies)
	if err != nil {
		return nil, registry.Faultf(registry.Internal, "the replies of the group cannot be written as JSON").Because(err)
	}
	parts := s.engine.partsOf(pieces, s.calls[0], s.now, reply)
	slices.SortFunc(parts, func(a, b store.Part) int { return int(a.Partition - b.Partition) })
	return parts, nil
}

// commit makes the append, and tries again while its outcome is unknown, which
// is safe: all turns are held. The outcome is that of all parts, with the result
// of an earlier call.
func (s *spread) commit(ctx context.Context, parts []store.Part) (store.Outcome, error) {
	for tries := 1; ; tries++ {
		out := s.engine.cfg.Store.(store.Spanner).Span(context.WithoutCancel(ctx), parts)
		one := out[0]
		for _, o := range out {
			if len(o.Result) > 0 {
				one = o
			}
		}
		switch {
		case one.Status == store.Failed && tries > 1: // an earlier try may still be stored
			one.Status = store.Unknown
			return one, unknown(one.Err)
		case one.Status == store.Failed:
			return one, s.engine.failed(streamOf(s.calls[0]), false, one.Err)
		case one.Status != store.Unknown:
			return one, nil
		case tries == s.engine.cfg.Attempts:
			return one, unknown(errors.Join(errTries, one.Err))
		}
		if err := s.engine.again(ctx, tries-1, true, s.calls...); err != nil {
			return one, unknown(errors.Join(err, one.Err))
		}
	}
}

// tell ends what is held.
func (s *spread) tell(ctx context.Context, status store.Status) {
	var all sync.WaitGroup
	for _, sh := range s.shares {
		f := Fate{Status: status}
		if status == store.Durable && len(sh.Events) > 0 {
			f.First = sh.Events[0].Position
		}
		if sh.here != nil {
			sh.here.End(f)
			continue
		}
		all.Go(func() { s.engine.cfg.Nodes.Tell(ctx, sh.home, sh.id, f) })
	}
	all.Wait()
}

// replies are those of a group that is durable.
func (s *spread) replies() (replies []Reply) {
	for i, sh := range s.shares {
		r := Reply{Data: sh.Reply, Value: sh.value, Events: len(sh.Events), Partition: sh.home}
		if len(sh.Events) > 0 {
			r.Position = sh.Events[len(sh.Events)-1].Position
			r.Repeated = r.Position == 0 // its place was not told
			if s.calls[i].Appended != nil {
				s.calls[i].Appended(sh.Events)
			}
		}
		replies = append(replies, r)
	}
	return replies
}

// rejected is the answer where a command of the group was refused; an earlier
// call with the same key may have been taken all the same.
func (s *spread) rejected(ctx context.Context, cause error) ([]Reply, bool, error) {
	if s.calls[0].Repeatable {
		if replies, found, err := s.engine.RecallGroup(ctx, s.calls); found || err != nil {
			return replies, false, err
		}
	}
	return nil, false, cause
}

// findLost looks for the entity that was changed by others all the same.
func (s *spread) findLost(ctx context.Context) {
	for i, sh := range s.shares {
		if stream := streamOf(s.calls[i]); s.engine.overtaken(ctx, stream, sh.Base, s.calls[0].Key) {
			s.lost = stream
			return
		}
	}
}
