package runtime

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/result"
	"github.com/talix-dev/talix/internal/schema"
	"github.com/talix-dev/talix/store"
)

// backend answers what the HTTP edge has read.
type backend struct{ *Runtime }

var _ httpedge.Backend = backend{}

func (r *Runtime) edgeConfig(set *schema.Set) httpedge.Config {
	return httpedge.Config{
		Owner: r.registry.Owner, Title: strings.Join(r.registry.Services, ", "), Actions: r.registry.Actions, Queries: r.registry.Queries,
		Backend: backend{r}, Schemas: set, NewID: r.ids.New, MaxBody: r.cfg.MaxBody, Log: r.cfg.Log, Seal: r.box(),
		Observe: r.request(),
	}
}

// Act runs an HTTP action.
func (b backend) Act(ctx context.Context, a *registry.Action, in any, req *httpedge.Request) (any, error) {
	s := b.newScope(cause{base: req.Key, correlation: req.Correlation, header: req.Header})
	req.Correlation = s.cause.correlation
	if a.HTTP.Async {
		return b.accept(ctx, a, s, in)
	}
	out, err := b.act(ctx, a, s, in, nil)
	req.Position = s.written().String()
	return out, b.ended(a, s, err)
}

// ended is why a request failed whose action asked for what only work that is
// kept can have, or could not reach the store.
func (b backend) ended(a *registry.Action, s *scope, err error) error {
	i, ok := errors.AsType[*registry.Interrupt](err)
	switch {
	case !ok:
		return err
	case i.Kind == registry.Broken:
		return registry.Faultf(registry.Unavailable, "the store does not take it at the moment; try again later").Because(i.Cause)
	default:
		return b.fail(i.Cause, "action", a.Name, s.cause.correlation)
	}
}

// Allow asks the interceptors whether an earlier answer may be given again.
func (b backend) Allow(ctx context.Context, a *registry.Action, req *httpedge.Request) error {
	s := b.newScope(cause{correlation: req.Correlation, header: req.Header})
	op := s.action(a)
	return b.intercept(ctx, op, b.plugins.interceptors, func(context.Context) error { return nil })
}

// Recall finds the answer that was stored under an idempotency key.
func (b backend) Recall(ctx context.Context, key store.ID) (answer []byte, found bool, err error) {
	stored, found, err := b.cfg.Store.Result(ctx, b.home(key), key)
	if err != nil {
		return nil, false, registry.Faultf(registry.Unavailable, "the store cannot be read at the moment; try again later").
			Because(fmt.Errorf("read answer: %w", err))
	}
	if !found {
		return nil, false, nil
	}
	if _, answer, err = result.Open(stored); err != nil {
		return nil, false, fmt.Errorf("read answer: %w", err)
	}
	return answer, true, nil
}

// Remember stores the first answer under an idempotency key.
func (b backend) Remember(ctx context.Context, key store.ID, answer []byte) error {
	now := b.cfg.Now().UTC().Truncate(time.Microsecond)
	stored := append(result.Begin(make([]byte, 0, result.Head+len(answer)), answerHome(key)), answer...)
	pending := b.group(b.home(key)).Submit(store.Batch{Key: key, Result: stored, Time: now}, nil)
	if !pending.Wait(ctx) {
		return context.Cause(ctx)
	}
	if o := pending.Outcome(); o.Status != store.Durable && o.Status != store.Duplicate {
		return fmt.Errorf("store answer: %s: %w", o.Status, o.Err)
	}
	return nil
}

// home is the partition where answers under a key are stored.
func (b backend) home(key store.ID) store.Partition {
	return store.PartitionOf(answerHome(key), b.tail.Partitions())
}

func answerHome(key store.ID) store.Stream { return store.Stream{Type: "http", ID: key.String()} }
