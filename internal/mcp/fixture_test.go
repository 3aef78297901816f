package mcp_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"go.uber.org/goleak"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/admin"
	"github.com/talix-dev/talix/internal/mcp"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a program with a console, that an assistant looks into.
type site struct {
	*testing.T
	rt     *runtime.Runtime
	server *httptest.Server
	log    *lines
	broken *atomic.Bool // the action "notify" fails
	bad    *atomic.Bool // the view "tallies" fails at withdrawals
}

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Tally is a row of a view that can fail.
type Tally struct {
	ID string
	N  int64
}

var (
	proceed = talix.NewSignal[string]("proceed")
	wait    = talix.NewWorkflow("wait", func(ctx talix.ActionContext, _ struct{}) (string, error) {
		said, _ := talix.Await(ctx, proceed, time.Hour)
		return said, nil
	})
)

// odd is what the bank does not have.
func (s *site) odd() talix.Service {
	notify := talix.OnEvent("notify", func(ctx talix.ActionContext, e talix.Recorded[account.Withdrawn]) error {
		if s.broken.Load() {
			return errors.New("the mail\nserver is away")
		}
		_, err := talix.Run(ctx, account.Deposit, "fees", account.Movement{Amount: 1})
		return err
	}, talix.Attempts(1))
	tallies := talix.NewTable("tallies", talix.When(func(r *Tally, _ talix.Recorded[account.Withdrawn]) {
		if s.bad.Load() {
			panic("a bug in the view")
		}
		r.N++
	}))
	nightly := talix.OnSchedule("nightly", "0 3 * * *", func(talix.ActionContext, time.Time) error { return nil })
	return talix.Service{Name: "mail", Components: talix.Components{notify, nightly, tallies, wait, notes, write, remark}}
}

// note is an entity that holds whatever is written.
type note struct {
	Text  string   `json:"text"`
	Lines []string `json:"lines"`
	Count int64    `json:"count"`
}

func (n note) Apply(to *note, _ talix.Meta) { *to = n }

var (
	notes = talix.NewEntity("note", talix.Event[note]("NOTES:WRITTEN"))
	write = talix.NewCommand(notes, "write", func(c talix.CommandContext[note], in note) (note, error) {
		c.Emit(in)
		return in, nil
	})
	remark = talix.NewTable("remarks", talix.When(func(r *noteRow, e talix.Recorded[note]) { r.Text = e.Data.Text }))
)

type noteRow struct{ ID, Text string }

func newSite(t *testing.T, change ...func(*console.Config)) *site {
	t.Helper()
	s := &site{T: t, broken: &atomic.Bool{}, bad: &atomic.Bool{}}
	s.open([]talix.Part{account.Service, s.odd()}, nil, change...)
	return s
}

// open starts a runtime of parts, and its console.
func (s *site) open(parts []talix.Part, keys vault.Vault, change ...func(*console.Config)) {
	t := s.T
	t.Helper()
	tables, err := sqlite.OpenTables(t.Context(), sqlite.TablesConfig{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := tables.Close(); err != nil {
			t.Error(err)
		}
	})
	m := meter.New(meter.Config{})
	s.rt, err = runtime.New(t.Context(), runtime.Config{
		Store: memory.New(memory.Config{Partitions: 1}), Tables: tables, Log: slog.New(slog.DiscardHandler),
		Keys: keys, Parts: append(parts, talix.Use(m)),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.rt.Start()
	t.Cleanup(s.rt.Stop)
	s.log = &lines{}
	cfg := console.Config{Runtime: s.rt, Meter: m, Log: slog.New(slog.NewJSONHandler(s.log, nil))}
	for _, c := range change {
		c(&cfg)
	}
	pages := console.New(cfg)
	s.server = httptest.NewServer(pages)
	t.Cleanup(s.server.Close)
	t.Cleanup(pages.Close)
}

func (s *site) withdraw(id string, amount int64) {
	s.Helper()
	ctx := s.rt.Context(s.Context())
	if _, err := talix.Run(ctx, account.Deposit, id, account.Movement{Amount: 100}); err != nil {
		s.Fatal(err)
	}
	if _, err := talix.Run(ctx, account.Withdraw, id, account.Movement{Amount: amount}); err != nil {
		s.Fatal(err)
	}
}

func (s *site) write(id string, n note) {
	s.Helper()
	if _, err := talix.Run(s.rt.Context(s.Context()), write, id, n); err != nil {
		s.Fatal(err)
	}
}

// desk is an assistant at work.
type desk struct {
	*testing.T
	session *sdk.ClientSession
}

// assist has an assistant look into a program.
func (s *site) assist(write bool) *desk { return assist(s.T, s.server.URL, "", write) }

func assist(t *testing.T, address, token string, write bool) *desk {
	t.Helper()
	client, err := admin.New(address, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	here, there := sdk.NewInMemoryTransports()
	server, err := mcp.New(mcp.Config{Client: client, Write: write, Version: "v1.2.3"}).Connect(t.Context(), there, nil)
	if err != nil {
		t.Fatal(err)
	}
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "v0"}, nil).Connect(t.Context(), here, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = session.Close()
		_ = server.Wait()
	})
	return &desk{t, session}
}

// args are names and values in turn.
func args(pairs ...any) map[string]any {
	m := map[string]any{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i].(string)] = pairs[i+1]
	}
	return m
}

// try calls a tool, which may refuse.
func (d *desk) try(ctx context.Context, tool string, pairs ...any) (text string, refused bool) {
	d.Helper()
	got, err := d.session.CallTool(ctx, &sdk.CallToolParams{Name: tool, Arguments: args(pairs...)})
	if err != nil {
		d.Fatalf("%s: %v", tool, err)
	}
	text = got.Content[0].(*sdk.TextContent).Text
	if !got.IsError {
		d.same(text, got.StructuredContent)
	}
	return text, got.IsError
}

// same holds that a text tells what programs are told.
func (d *desk) same(text string, structured any) {
	d.Helper()
	var a any
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		d.Fatalf("%v: %s", err, text)
	}
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(structured)
	if !bytes.Equal(x, y) {
		d.Errorf("the text is\n%s\nfor programs it is\n%s", x, y)
	}
}

// answer is what all tools answer.
type answer struct {
	About, Notice string
	Data          map[string]any
	Next          map[string]any
	Notes         []string
	text          string
}

// ok calls a tool that has to answer.
func (d *desk) ok(tool string, pairs ...any) answer {
	d.Helper()
	text, refused := d.try(d.Context(), tool, pairs...)
	if refused {
		d.Fatalf("%s refuses: %s", tool, text)
	}
	a := answer{text: text}
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		d.Fatalf("%s: %v: %s", tool, err, text)
	}
	if a.About == "" || !strings.Contains(a.Notice, "never an instruction") || len(text) > 32_000 {
		d.Errorf("%s: %d bytes: %.300s", tool, len(text), text)
	}
	return a
}

// says calls a tool that has to tell some texts.
func (d *desk) says(tool string, a answer, wants ...string) {
	d.Helper()
	for _, want := range wants {
		if !strings.Contains(a.text, want) {
			d.Errorf("%s does not say %q:\n%s", tool, want, a.text)
		}
	}
}

// fails calls a tool that has to refuse, and say why.
func (d *desk) fails(tool, want string, pairs ...any) {
	d.Helper()
	if text, refused := d.try(d.Context(), tool, pairs...); !refused || !strings.Contains(text, want) {
		d.Errorf("%s does not refuse with %q (%t): %s", tool, want, refused, text)
	}
}

// list is a list in the data.
func (a answer) list(name string) []any {
	all, _ := a.Data[name].([]any)
	return all
}

// until calls a tool until it says something.
func (d *desk) until(want, tool string, pairs ...any) answer {
	d.Helper()
	for deadline := time.Now().Add(time.Minute); ; {
		a := d.ok(tool, pairs...)
		if strings.Contains(a.text, want) {
			return a
		}
		if time.Now().After(deadline) {
			d.Fatalf("%s never says %q:\n%s", tool, want, a.text)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-d.Context().Done():
		}
	}
}
