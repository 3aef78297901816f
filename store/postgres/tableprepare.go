package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/talix-dev/talix/table"
)

var (
	errWrites  = errors.New("a query may only read tables and views")
	errNoQuery = errors.New("this is not a query: it returns no columns")
)

// guess is what PostgreSQL takes for the types of a query's parameters.
type guess struct {
	text   string // with numbered parameters
	names  []string
	params []uint32
	fields []pgconn.FieldDescription
}

// guesses are those of queries that were run lately.
type guesses struct {
	mu  sync.Mutex
	all map[string]*guess
}

// guessesKept bounds them.
const guessesKept = 1000

func (g *guesses) get(sql string) *guess {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.all[sql]
}

func (g *guesses) put(sql string, made *guess) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all == nil || len(g.all) >= guessesKept {
		g.all = make(map[string]*guess)
	}
	g.all[sql] = made
}

func (g *guesses) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all = nil
}

// Prepare implements table.Store.
func (t *Tables) Prepare(ctx context.Context, sql string, over []table.Schema) (s table.Statement, err error) {
	if err := t.enter(ctx); err != nil {
		return s, refusedText(err)
	}
	defer t.gate.leave()
	if len(over) > 0 {
		err = t.scratch.use(ctx, t.config.Timeout, over, func(c *session) (err error) {
			s, err = describe(ctx, c, sql)
			return err
		})
		return s, refusedText(err)
	}
	l, err := t.readers.get(ctx)
	if err != nil {
		return s, refusedText(err)
	}
	defer t.readers.put(l)
	conn, err := l.get(ctx)
	if err == nil {
		s, err = describe(ctx, &session{conn.PgConn(), t.config.Timeout}, sql)
	}
	return s, refusedText(err)
}

// describe compiles a query without running it.
func describe(ctx context.Context, c *session, sql string) (s table.Statement, err error) {
	g, err := c.guess(ctx, guessStatement, sql)
	if err != nil {
		return s, err
	}
	defer c.forget(ctx)
	s.Params = g.names
	for _, f := range g.fields {
		s.Columns = append(s.Columns, f.Name)
	}
	s.Tables, err = c.reads(ctx, g)
	return s, err
}

const guessStatement = "talix_guess"

// untyped finds the parameter of which PostgreSQL can't tell the type.
var untyped = regexp.MustCompile(`\$(\d+)`)

// guess asks the server what it takes a query for. A place of a parameter that
// can be of any type, as in ":vendor IS NULL", follows the others, and a
// parameter that has no other is a text.
func (s *session) guess(ctx context.Context, statement, sql string) (*guess, error) {
	p, err := parse(sql)
	if err != nil {
		return nil, err
	}
	types, err := s.types(ctx, p)
	if err != nil {
		return nil, err
	}
	d, err := s.describe(ctx, statement, p.text, types)
	if err == nil && len(d.Fields) == 0 {
		if statement != "" {
			s.forget(ctx)
		}
		err = errNoQuery
	}
	if err != nil {
		return nil, err
	}
	return &guess{p.text, p.names, d.ParamOIDs, d.Fields}, nil
}

// types are those of the parameters.
func (s *session) types(ctx context.Context, p *parsed) ([]uint32, error) {
	types, places := make([]uint32, len(p.names)), make([]uint32, len(p.at))
	for len(p.at) > 0 {
		d, err := s.describe(ctx, "", p.apart, places)
		if n := untypedParam(err); n > 0 && n <= len(places) && places[n-1] == 0 {
			places[n-1] = textOID
			continue
		}
		if err != nil {
			return nil, err
		}
		for i, oid := range d.ParamOIDs {
			if of := p.at[i]; places[i] == 0 && (types[of] == 0 || types[of] == textOID) {
				types[of] = oid
			}
		}
		break
	}
	for i, oid := range types {
		if oid == 0 {
			types[i] = textOID
		}
	}
	return types, nil
}

func untypedParam(err error) int {
	var told *pgconn.PgError
	if !errors.As(err, &told) || told.Code != codeUntyped && told.Code != codeAmbiguous {
		return 0
	}
	found := untyped.FindStringSubmatch(told.Message)
	if found == nil {
		return 0
	}
	n, _ := strconv.Atoi(found[1]) // digits
	return n
}

// forget ends the statement that was described under a name. There may be others,
// of which the driver knows.
func (s *session) forget(ctx context.Context) {
	_ = s.run(ctx, "DEALLOCATE "+guessStatement) // of a session that failed it goes anyway
}

func (s *session) describe(ctx context.Context, statement, text string, types []uint32) (*pgconn.StatementDescription, error) {
	bounded, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	d, err := s.conn.Prepare(bounded, statement, text, types)
	if err != nil {
		return nil, s.late(ctx, bounded, err)
	}
	return d, nil
}

// reads tells the tables that the statement reads which was described last, by
// its plan; an error if it writes.
func (s *session) reads(ctx context.Context, g *guess) ([]string, error) {
	nulls := make([]string, len(g.names))
	for i := range nulls {
		nulls[i] = "NULL"
	}
	call := guessStatement
	if len(nulls) > 0 {
		call += "(" + strings.Join(nulls, ", ") + ")"
	}
	plan, err := s.column1(ctx, "EXPLAIN (FORMAT json, VERBOSE) EXECUTE "+call)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errWrites, err)
	}
	var nodes any
	if err := json.Unmarshal([]byte(strings.Join(plan, "\n")), &nodes); err != nil {
		return nil, fmt.Errorf("read plan: %w", err)
	}
	p := &planReader{}
	p.walk(nodes)
	if p.writes || !p.plan {
		return nil, errWrites
	}
	slices.Sort(p.tables)
	return slices.Compact(p.tables), nil
}

// planReader gathers what a plan tells.
type planReader struct {
	tables []string
	writes bool
	plan   bool
}

func (p *planReader) walk(node any) {
	switch n := node.(type) {
	case []any:
		for _, child := range n {
			p.walk(child)
		}
	case map[string]any:
		p.node(n)
		for _, child := range n {
			p.walk(child)
		}
	}
}

func (p *planReader) node(n map[string]any) {
	kind, ok := n["Node Type"].(string)
	p.plan = p.plan || ok
	p.writes = p.writes || kind == "ModifyTable" || kind == "LockRows"
	if name, ok := n["Relation Name"].(string); ok {
		p.tables = append(p.tables, name)
	}
}

// scratch is a session with empty tables of its own, over which queries are
// compiled before the tables are there.
type scratch struct {
	mu   sync.Mutex
	link *link
	over []table.Schema // that the session has
}

// use runs fn with a session over the given schemas. The last ones stay.
func (s *scratch) use(ctx context.Context, timeout time.Duration, over []table.Schema, fn func(*session) error) error {
	if err := checkSchemas(over); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	had := s.link.conn
	conn, err := s.link.get(ctx)
	if err != nil {
		return err
	}
	c := &session{conn.PgConn(), timeout}
	if conn != had || len(s.over) != len(over) || &s.over[0] != &over[0] {
		s.over = nil
		if err := c.pretend(ctx, over); err != nil {
			s.link.drop()
			return err
		}
		s.over = over
	}
	return fn(c)
}

// pretend makes temporary tables, which come before those that are there.
func (s *session) pretend(ctx context.Context, over []table.Schema) error {
	all := []string{"BEGIN READ WRITE", "DISCARD TEMP"}
	for i := range over {
		all = append(all, createTable(&over[i], "TEMPORARY"))
	}
	return s.run(ctx, strings.Join(append(all, "COMMIT"), ";\n"))
}
