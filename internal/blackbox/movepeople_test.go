package blackbox_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/talix-dev/talix/internal/proctest"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/postgres"
)

// move is a program that is moved from a folder to a database under way.
type move struct {
	client
	people int
	moves  int // of each of them at once
}

const (
	toured, reminded = 7, 10 // every so many people are
	remindIn         = 2000  // milliseconds
)

func (m move) id(i int) string   { return fmt.Sprintf("p-%05d", i) }
func (m move) text(i int) string { return fmt.Sprintf("zq%05dkavelstrand", i) }

// some is how many people have a number that n divides.
func (m move) some(n int) int64 { return int64((m.people + n - 1) / n) }

func (m move) join(i int, remind int) string {
	return fmt.Sprintf(`{"email":"%s","moves":%d,"remind":%d}`, m.text(i), m.moves, remind)
}

// post sends a command that has to succeed.
func (m move) post(t *testing.T, base, path, key, body string) string {
	a, err := m.call("POST", base+path, key, body)
	if err != nil || a.status != http.StatusOK {
		t.Errorf("POST %s: %d %s, %v", path, a.status, a.body, err)
	}
	return string(a.body)
}

func (m move) fill(t *testing.T, base string) {
	t.Helper()
	var all sync.WaitGroup
	const clients = 16
	for n := range clients {
		all.Go(func() {
			for i := n; i < m.people && !t.Failed(); i += clients {
				remind := 0
				if i%reminded == 0 {
					remind = remindIn
				}
				m.post(t, base, "/people/"+m.id(i), "join "+m.id(i), m.join(i, remind))
				m.post(t, base, "/people/"+m.id(i)+"/notes", "", `{"text":"`+m.text(i)+`"}`)
				if i%toured == 0 {
					m.post(t, base, "/people/"+m.id(i)+"/tour", "", `{"text":"`+m.text(i)+`"}`)
				}
			}
		})
	}
	all.Wait()
}

type peopleSums struct{ People, Mirrored, Greeted, Tours int64 }

// sums waits until what all come to is as wanted.
func (m move) sums(t *testing.T, base string, good func(peopleSums) bool) (s peopleSums) {
	t.Helper()
	until(t, func() bool {
		err := m.get(base+"/sums", &s) // fails while views are made for the first time
		return err == nil && good(s) || t.Failed()
	})
	return s
}

// list is the view, page by page.
func (m move) list(t *testing.T, base string) (all []map[string]any) {
	t.Helper()
	for cursor := ""; ; {
		var page struct {
			Items []map[string]any
			Next  string
		}
		m.mustGet(t, base+"/people?limit=1000&cursor="+url.QueryEscape(cursor), &page)
		all = append(all, page.Items...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

// A program with everything under way moves from its folder to PostgreSQL and
// goes on: views are the same, no action and no step is run again, each timer
// fires once, a repeated request gets its first answer, workflows resume, unique
// values are taken, and personal data can be read, and erased. On a part of the
// copy it does not start.
func TestProgramMovesToPostgres(t *testing.T) {
	t.Parallel()
	args := onPostgres(t)
	x, data := buildTalix(t), t.TempDir()
	program := proctest.Build(t, "./internal/blackbox/testdata/people")
	m := move{newClient(t), sized(60, 20_000), sized(10, 47)}
	p := program.Start(t, proctest.Config{Data: data})
	m.fill(t, p.URL())
	n := int64(m.people)
	m.sums(t, p.URL(), func(s peopleSums) bool { return s.People == n && s.Mirrored == n })
	before := m.list(t, p.URL())
	stop(p)

	to := fmt.Sprint(args[1], "&talix_partitions=", partitionsOfCopy())
	x.half(program, data, to, args)
	x.run(0, "copy", "--from", data, "--to", to)
	x.run(0, "verify", "--from", data, "--to", to)
	carryKeys(t, data, args[1])
	q := program.Start(t, proctest.Config{Args: args})
	m.sums(t, q.URL(), func(s peopleSums) bool { return s.People == n && s.Mirrored == n })
	if after := m.list(t, q.URL()); !cmp.Equal(before, after) {
		t.Errorf("the view is another one: %s", cmp.Diff(before, after))
	}
	m.goOn(t, q.URL())
	m.forget(t, q.URL())
}

// goOn does what was under way, and repeats what was done.
func (m move) goOn(t *testing.T, base string) {
	t.Helper()
	n := int64(m.people)
	a, err := m.call("POST", base+"/people/"+m.id(1), "join "+m.id(1), m.join(1, 0)) // again
	if err != nil || a.status != http.StatusOK || a.header.Get("Talix-Replayed") == "" {
		t.Errorf("a request that is repeated: %d %s %v, %v", a.status, a.body, a.header, err)
	}
	if a, err := m.call("POST", base+"/people/other", "", m.join(1, 0)); err != nil || a.status != http.StatusConflict {
		t.Errorf("an address that is taken: %d %s, %v", a.status, a.body, err)
	}
	for i := 0; i < m.people; i += toured {
		m.post(t, base, "/people/"+m.id(i)+"/go", "", `{"text":"on"}`)
	}
	m.post(t, base, "/people/"+m.id(m.people), "", m.join(m.people, 0))
	want := peopleSums{n + 1, n + 1, m.some(reminded), m.some(toured)}
	s := m.sums(t, base, func(s peopleSums) bool {
		return s.People >= want.People && s.Mirrored >= want.Mirrored && s.Greeted >= want.Greeted && s.Tours >= want.Tours
	})
	if s != want {
		t.Errorf("all come to %+v, want %+v", s, want)
	}
	var runs struct{ Steps, Mirrors int64 }
	m.mustGet(t, base+"/runs", &runs)
	if runs.Steps != 0 || runs.Mirrors != 1 {
		t.Errorf("after the move, %d steps and %d deliveries were run again", runs.Steps, runs.Mirrors-1)
	}
}

// forget erases someone.
func (m move) forget(t *testing.T, base string) {
	t.Helper()
	var now struct{ Email, Last string }
	m.mustGet(t, base+"/people/"+m.id(2), &now)
	if now.Email != m.text(2) || now.Last != m.text(2) {
		t.Errorf("%+v has another text than before", now)
	}
	m.post(t, base, "/people/"+m.id(2)+"/erasure", "", "")
	m.mustGet(t, base+"/people/"+m.id(2), &now)
	a, err := m.call("POST", base+"/people/"+m.id(2)+"/notes", "", `{"text":"again"}`)
	if err != nil || a.status != http.StatusGone || now.Email != "" {
		t.Errorf("who was erased: %+v, %d %s, %v", now, a.status, a.body, err)
	}
}

// half has a copy end on its way, and the program refuse what there is of it.
func (x talix) half(program *proctest.Program, data, at string, args []string) {
	x.Helper()
	cmd := exec.CommandContext(x.Context(), x.path, "copy", "--from", data, "--to", at, "--rate=1")
	if err := cmd.Start(); err != nil {
		x.Fatal(err)
	}
	to := onServer(x.T, args[1]) // it may be the one that makes it
	until(x.T, func() bool {
		for p := range store.Partition(to.Partitions()) {
			if head, err := to.Head(x.Context(), p); err != nil || head > 0 {
				return true
			}
		}
		return false
	})
	if err := cmd.Process.Kill(); err != nil {
		x.Error(err)
	}
	if err := cmd.Wait(); err == nil {
		x.Fatal("the copy was done before it could be ended")
	}
	ctx, cancel := context.WithTimeout(x.Context(), time.Minute)
	defer cancel()
	refused := exec.CommandContext(ctx, program.Path, append([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", x.TempDir()}, args...)...)
	out, err := refused.CombinedOutput()
	if err == nil || ctx.Err() != nil || !bytes.Contains(out, []byte("copy")) {
		x.Errorf("on half a copy, the program ended with %v and said %s", err, out)
	}
	x.Logf("on half a copy: %s", out)
}

// partitionsOfCopy are fewer than usual where it has to be quick.
func partitionsOfCopy() int { return sized(8, 256) }

// splitSchema parts the URL of a store.
func splitSchema(t *testing.T, at string) (dsn, schema string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	schema = query.Get("talix_schema")
	query.Del("talix_schema")
	u.RawQuery = query.Encode()
	return u.String(), schema
}

func onServer(t *testing.T, at string) *postgres.Store {
	t.Helper()
	dsn, schema := splitSchema(t, at)
	s, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Schema: schema, Partitions: partitionsOfCopy()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// carryKeys does what the guide of moving data says of keys.
func carryKeys(t *testing.T, data, at string) {
	t.Helper()
	dsn, schema := splitSchema(t, at)
	keys, err := postgres.OpenKeys(t.Context(), postgres.KeysConfig{DSN: dsn, Schema: schema + "_keys"})
	if err != nil {
		t.Fatal(err)
	}
	keys.Close()
	var sql strings.Builder
	fmt.Fprintf(&sql, "SET search_path = %s_keys;\n", schema)
	from, err := sqlite.OpenConn(filepath.Join(data, "keys.db"), sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	err = sqlitex.ExecuteTransient(from, keysAsSQL, &sqlitex.ExecOptions{ResultFunc: func(row *sqlite.Stmt) error {
		sql.WriteString(row.ColumnText(0) + "\n")
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql.String()); err != nil {
		t.Fatal(err)
	}
}

// keysAsSQL writes the keys of a folder as SQL for PostgreSQL. It stands in the
// guide too.
const keysAsSQL = `
SELECT 'UPDATE meta SET value = ''' || value || ''' WHERE name = ''salt'';' FROM meta WHERE name = 'salt'
UNION ALL SELECT 'INSERT INTO keys(name, secret) VALUES (''\x' || hex(name) || ''', ''\x' || hex(secret) || ''');' FROM keys
UNION ALL SELECT 'INSERT INTO keys(name, erasure, erased) VALUES (''\x' || hex(name) || ''', ' || number || ', to_timestamp(' || time || ' / 1e6));' FROM erasures
UNION ALL SELECT 'UPDATE erasures SET last = ' || coalesce(max(number), 0) || ';' FROM erasures;`
