package runtime

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/internal/httpedge"
	"github.com/talix-dev/talix/internal/live"
	"github.com/talix-dev/talix/internal/registry"
	"github.com/talix-dev/talix/internal/sqlquery"
)

// QueryConfig bounds SQL queries. Zero fields take the defaults named.
type QueryConfig struct {
	// Timeout bounds one query. Defaults to ten seconds.
	Timeout time.Duration
	// StreamTimeout bounds one whose rows are taken one by one. Defaults to
	// five minutes.
	StreamTimeout time.Duration
	// MaxRows bounds the rows of a query that answers them all at once.
	// Defaults to 10,000.
	MaxRows int
	// MaxFeeds and MaxWatchers bound live queries: how many with different
	// inputs, and by how many callers. Beyond them callers are answered with
	// ErrOverloaded. Default to 1,000 and 10,000.
	MaxFeeds, MaxWatchers int
	// Linger is how long a live query is kept for callers who come back.
	// Defaults to a minute.
	Linger time.Duration
}

// newHub makes what tells callers of live queries of changes.
func (r *Runtime) newHub() *live.Hub {
	q := r.cfg.Queries
	return live.New(live.Config{MaxFeeds: q.MaxFeeds, MaxReaders: q.MaxWatchers, Linger: q.Linger, Log: r.cfg.Log})
}

// compileQueries checks the SQL queries over the tables as they are defined.
func (r *Runtime) compileQueries(ctx context.Context) (faults []error) {
	r.queries = map[*registry.Query]*sqlquery.Query{}
	q := r.cfg.Queries
	cfg := sqlquery.Config{
		Tables: r.cfg.Tables, Schemas: r.projector.Schemas(),
		Timeout: q.Timeout, StreamTimeout: q.StreamTimeout, MaxRows: q.MaxRows,
	}
	for _, def := range r.registry.Queries {
		if def.SQL == nil {
			continue
		}
		compiled, errs := sqlquery.Compile(ctx, cfg, def)
		faults = append(faults, errs...)
		r.queries[def] = compiled
	}
	return faults
}

// EndWatches ends what watches live queries, and tells the callers to come
// back; later ones are refused. Call it before HTTP servers are shut down, which
// wait for them. Stop does it too.
func (r *Runtime) EndWatches() {
	if r.hub != nil {
		r.hub.Close()
	}
}

func (s *scope) Ask(ctx context.Context, q *registry.Query, in any) (any, error) {
	var out any
	err := s.r.observe(ctx, s.query(q), func(ctx context.Context) (err error) {
		out, err = s.ask(ctx, q, in)
		return err
	})
	return out, err
}

func (s *scope) query(q *registry.Query) talix.Operation {
	return s.operation(talix.KindQuery, s.r.registry.Owner(q), q.Name)
}

func (s *scope) ask(ctx context.Context, q *registry.Query, in any) (any, error) {
	if q.SQL == nil {
		return q.Handle(ctx, s, in)
	}
	compiled, pending, err := s.ready(ctx, q, in)
	if err != nil {
		return nil, err
	}
	out, err := compiled.Run(ctx, in)
	return out, s.orPending(err, pending)
}

// ready waits until a query sees what the caller wrote, and the past that it
// asks for. pending is what to say
// if it fails: its tables are still those of a former definition.
func (s *scope) ready(ctx context.Context, q *registry.Query, in any) (compiled *sqlquery.Query, pending error, err error) {
	compiled = s.r.queries[q]
	if compiled == nil {
		return nil, nil, registry.Faultf(registry.Internal, "query %s is in no service of this runtime, or not in SQL: add it to Components", q.Name)
	}
	seen := s.written()
	for _, text := range compiled.AsOf(in) {
		if seen, err = seen.withAll(text, s.r.tail.Partitions()); err != nil {
			return nil, nil, err
		}
	}
	if err := s.r.waitFor(ctx, compiled.Tables(), seen); err != nil {
		return nil, nil, err
	}
	former, pending := s.r.projector.Pending(compiled.Tables())
	if pending == nil || former && compiled.Fits(ctx) {
		return compiled, pending, nil
	}
	bounded, cancel := context.WithTimeout(ctx, s.r.cfg.QueryWait)
	defer cancel()
	return compiled, nil, s.r.projector.WaitWhole(bounded, compiled.Tables())
}

// withAll is the later of ps and the positions of a text.
func (ps positions) withAll(text string, n int) (positions, error) {
	others, err := parsePositions(text, n)
	for _, o := range others {
		ps = ps.with(o.partition, o.at)
	}
	return ps, err
}

func (s *scope) orPending(err, pending error) error {
	f, ok := errors.AsType[*registry.Fault](err)
	if pending != nil && ok && f.Code == registry.Internal {
		return pending
	}
	return err
}

// Each implements registry.QueryHost.
func (s *scope) Each(ctx context.Context, q *registry.Query, in any) iter.Seq2[any, error] {
	return oneByOne(ctx, s, q, func(ctx context.Context, yield func(any, error) bool) error {
		compiled, pending, err := s.ready(ctx, q, in)
		if err != nil {
			return err
		}
		for row, err := range compiled.Each(ctx, in) {
			if err != nil {
				return s.orPending(err, pending)
			}
			if !yield(row, nil) {
				return nil
			}
		}
		return nil
	})
}

// Watch implements registry.QueryHost.
func (s *scope) Watch(ctx context.Context, q *registry.Query, in any) iter.Seq2[registry.Change, error] {
	return s.watch(ctx, q, in, "")
}

// watch gives what follows the change that resume names.
func (s *scope) watch(ctx context.Context, q *registry.Query, in any, resume string) iter.Seq2[registry.Change, error] {
	return oneByOne(ctx, s, q, func(ctx context.Context, yield func(registry.Change, error) bool) error {
		compiled, _, err := s.ready(ctx, q, in)
		if err != nil {
			return err
		}
		source, err := compiled.Watch(in)
		if err != nil {
			return err
		}
		for change, err := range s.r.hub.Watch(ctx, source, resume) {
			if err != nil {
				return err
			}
			if !yield(change, nil) {
				return nil
			}
		}
		return nil
	})
}

// oneByOne gives what run yields, as one operation that interceptors see and that
// is reported. run goes on beside the caller's loop, so that a panic in the loop
// is the caller's and not the query's.
func oneByOne[T any](ctx context.Context, s *scope, q *registry.Query, run func(context.Context, func(T, error) bool) error) iter.Seq2[T, error] {
	all := func(yield func(T, error) bool) {
		err := s.r.observe(ctx, s.query(q), func(ctx context.Context) error { return run(ctx, yield) })
		if err != nil {
			yield(*new(T), err)
		}
	}
	return func(yield func(T, error) bool) {
		next, stop := iter.Pull2(all)
		defer stop()
		for {
			value, err, ok := next()
			if !ok || !yield(value, err) {
				return
			}
		}
	}
}

// Ask runs an exposed query.
func (b backend) Ask(ctx context.Context, q *registry.Query, in any, req *httpedge.Request) (any, error) {
	s, err := b.asking(req)
	if err != nil {
		return nil, err
	}
	return s.Ask(ctx, q, in)
}

// Each runs an exposed query row by row.
func (b backend) Each(ctx context.Context, q *registry.Query, in any, req *httpedge.Request) iter.Seq2[any, error] {
	s, err := b.asking(req)
	if err != nil {
		return failing[any](err)
	}
	return s.Each(ctx, q, in)
}

// Watch watches an exposed live query.
func (b backend) Watch(ctx context.Context, q *registry.Query, in any, req *httpedge.Request) iter.Seq2[registry.Change, error] {
	s, err := b.asking(req)
	if err != nil {
		return failing[registry.Change](err)
	}
	return s.watch(ctx, q, in, req.Resume)
}

func failing[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) { yield(*new(T), err) }
}

// asking is the scope of a request for a query.
func (b backend) asking(req *httpedge.Request) (*scope, error) {
	after, err := parsePositions(req.After, b.tail.Partitions())
	if err != nil {
		return nil, err
	}
	s := b.newScope(cause{correlation: req.Correlation, header: req.Header, wrote: after})
	req.Correlation = s.cause.correlation
	return s, nil
}
