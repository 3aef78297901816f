package postgres

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/talix-dev/talix/store"
)

// writer commits groups on a connection of its own. One goroutine at a time
// has it.
type writer struct {
	store    *Store
	link     *link
	prepared *pgx.Conn // on which the statements are prepared
	call     call
	brief    brief
	batches  int // that it has; of the queue
}

// draft is a request with a plan for it.
type draft struct {
	*request
	plan  *plan
	fence fence
}

// fence is what the partition must be like, or the plan is void.
type fence struct {
	position store.Position // of its head; -1: any
	epoch    int64          // 0: any
}

// commit ends every request of the group, which are of different partitions.
func (w *writer) commit(group []*request) {
	if group[0].parts != nil {
		w.commitSpan(group[0])
		return
	}
	if err := w.connect(); err != nil {
		for _, r := range group {
			w.store.fail(r, err)
		}
		return
	}
	w.resolve(group)
	var drafts []*draft
	var rest []*request
	for _, r := range group {
		if d := w.store.draft(r); d != nil {
			drafts = append(drafts, d)
		} else {
			rest = append(rest, r)
		}
	}
	rest = append(rest, w.writeAll(drafts)...)
	for _, r := range rest {
		w.commitAlone(r)
	}
}

// writeAll writes drafts by one statement and returns the requests that have to
// be looked into one by one.
func (w *writer) writeAll(drafts []*draft) (rest []*request) {
	pending := drafts[:0]
	for _, d := range drafts {
		if !d.plan.writes() {
			w.store.settle(d, 0)
			continue
		}
		pending = append(pending, d)
	}
	if len(pending) == 0 {
		return nil
	}
	sort.Slice(pending, func(i, k int) bool { return pending[i].partition < pending[k].partition })
	v, err := w.write(pending)
	for i, d := range pending {
		switch {
		case err == nil && v.took(i+1):
			w.store.settle(d, store.Position(v.bases[i]))
		case err == nil || wroteNothing(err): // perhaps another one's fault
			rest = append(rest, d.request)
		default:
			w.store.doubt(d, err)
		}
	}
	return rest
}

// attempts is how often a request is judged again because what it touches has
// changed. Each time, a batch of it has lost for good.
const attempts = 20

var errBusy = errors.New("other writers keep changing what the batches expect: see to it that one node at a time writes a partition")

// commitAlone looks up what the batches of a request touch, judges them by it
// and writes what holds.
func (w *writer) commitAlone(r *request) {
	for range attempts {
		world, err := w.look(r)
		if err != nil {
			w.store.fail(r, err)
			return
		}
		d, err := w.store.decide(r, world)
		if err != nil {
			w.store.fail(r, err)
			return
		}
		if !d.plan.writes() {
			w.store.settle(d, 0)
			return
		}
		v, err := w.write([]*draft{d})
		if err != nil {
			w.store.doubt(d, err)
			return
		}
		if v.took(1) {
			w.store.settle(d, store.Position(v.bases[0]))
			return
		}
	}
	w.store.fail(r, errBusy)
}

// Names of prepared statements.
const (
	commitStatement  = "talix_commit"
	trustedStatement = "talix_trusted"
	wholeStatement   = "talix_whole"
	lookStatement    = "talix_look"
	resolveStatement = "talix_resolve"
)

// connect sees to it that there is a connection with prepared statements.
func (w *writer) connect() error {
	ctx, cancel := w.store.deadline()
	defer cancel()
	conn, err := w.link.get(ctx)
	if err != nil || w.prepared == conn {
		return err
	}
	// Else a plan might lock partitions in another order than the one they are in.
	if _, err := conn.PgConn().Exec(ctx, "SET enable_hashjoin = off; SET enable_mergejoin = off").ReadAll(); err != nil {
		w.link.drop()
		return explain("set up session", err)
	}
	for _, p := range w.store.sql.writing {
		if _, err := conn.PgConn().Prepare(ctx, p[0], p[1], nil); err != nil {
			w.link.drop()
			return explain("prepare statement", err)
		}
	}
	w.prepared = conn
	return nil
}

// run executes a prepared statement whose parameters are in binary form.
func (w *writer) run(ctx context.Context, statement string, params [][]byte) *pgconn.Result {
	formats := make([]int16, len(params))
	for i := range formats {
		formats[i] = pgx.BinaryFormatCode
	}
	result := w.link.conn.PgConn().ExecPrepared(ctx, statement, params, formats, []int16{pgx.BinaryFormatCode}).Read()
	w.link.used = time.Now()
	if result.Err != nil && !wroteNothing(result.Err) {
		w.link.drop()
	}
	return result
}

// write runs one statement, a call of commit_group unless less will do.
func (w *writer) write(drafts []*draft) (verdict, error) {
	if v, done, err := w.writeTrusted(drafts); done {
		return v, err
	}
	return w.callGroup(commitStatement, drafts)
}

// writeWhole is write, but all drafts are written or none.
func (w *writer) writeWhole(drafts []*draft) (verdict, error) {
	return w.callGroup(wholeStatement, drafts)
}

func (w *writer) callGroup(statement string, drafts []*draft) (verdict, error) {
	w.call.reset()
	for i, d := range drafts {
		w.call.add(i+1, d.partition, d.plan, d.fence)
	}
	row, err := w.send(statement, w.call.params(w.store.partitions, w.store.config.NoSync), w.call.bytes())
	if err != nil {
		return verdict{}, err
	}
	return verdict{readInts(row[0]), readInts(row[1])}, nil
}

// send executes a statement that writes and returns its row; of a failure that
// is only about the moment it makes up by itself.
func (w *writer) send(statement string, params [][]byte, bytes int) ([][]byte, error) {
	if bytes > largestCall {
		return nil, &unsent{fmt.Errorf("a commit of %d bytes is more than the %d that PostgreSQL takes: commit less at a time", bytes, largestCall)}
	}
	for attempt := 1; ; attempt++ {
		row, err := w.exec(statement, params)
		if err == nil || !worthRepeating(err) || attempt == 5 {
			return row, err
		}
	}
}

// largestCall is below what PostgreSQL takes in one message.
const largestCall = 900 << 20

func (w *writer) exec(statement string, params [][]byte) ([][]byte, error) {
	if w.link.conn == nil || w.link.conn != w.prepared {
		return nil, &unsent{errors.New("the connection was lost")}
	}
	ctx, cancel := w.store.deadline()
	defer cancel()
	result := w.run(ctx, statement, params)
	if result.Err != nil {
		return nil, w.store.late(ctx, result.Err)
	}
	if len(result.Rows) != 1 {
		return nil, fmt.Errorf("%s returned %d rows", statement, len(result.Rows))
	}
	return result.Rows[0], nil
}

// late tells of a statement that has not ended in time.
func (s *Store) late(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("the server has not answered within %v: %w", s.config.Timeout, ctx.Err())
	}
	return err
}

// deadline bounds a statement. A commit is not any one caller's, so no
// caller's context ends it.
func (s *Store) deadline() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), s.config.Timeout)
}
