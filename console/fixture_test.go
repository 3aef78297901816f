package console_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// site is a console of a bank on a server, with a browser that keeps cookies.
type site struct {
	t      *testing.T
	rt     *runtime.Runtime
	url    string
	client *http.Client
	log    *lines
	broken *atomic.Bool // the action "notify" fails
	close  func()       // of the console
	routes []string     // methods and paths that it answers
	pages  http.Handler
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

var (
	go1  = talix.NewSignal[string]("go")
	wait = talix.NewWorkflow("wait", func(ctx talix.ActionContext, in string) (string, error) {
		said, _ := talix.Await(ctx, go1, time.Hour)
		return said, nil
	})
)

// odd is what the bank does not have: an action on events that can fail, and a
// workflow that waits for a signal.
func odd(broken *atomic.Bool) talix.Service {
	notify := talix.OnEvent("notify", func(ctx talix.ActionContext, e talix.Recorded[account.Withdrawn]) error {
		_, err := talix.Step(ctx, "send mail", func(context.Context) (string, error) {
			if broken.Load() {
				return "", errors.New("the mail <b>server</b> is away")
			}
			return "sent", nil
		})
		if err != nil {
			return err
		}
		_, err = talix.Run(ctx, account.Deposit, "fees", account.Movement{Amount: 1})
		return err
	}, talix.Attempts(1))
	return talix.Service{Name: "mail", Components: talix.Components{notify, wait}}
}

func newSite(t *testing.T, change ...func(*console.Config)) *site {
	t.Helper()
	broken := &atomic.Bool{}
	s := openSite(t, runtime.Config{Store: memory.New(memory.Config{})}, []talix.Part{account.Service, odd(broken)}, change...)
	s.broken = broken
	return s
}

// openSite is a console of other parts.
func openSite(t *testing.T, host runtime.Config, parts []talix.Part, change ...func(*console.Config)) *site {
	t.Helper()
	s := &site{t: t, log: &lines{}}
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
	host.Tables, host.Log, host.Parts = tables, slog.New(slog.DiscardHandler), append(parts, talix.Use(m))
	s.rt, err = runtime.New(t.Context(), host)
	if err != nil {
		t.Fatal(err)
	}
	s.rt.Start()
	t.Cleanup(s.rt.Stop)
	cfg := console.Config{Runtime: s.rt, Meter: m, Log: slog.New(slog.NewJSONHandler(s.log, nil))}
	for _, c := range change {
		c(&cfg)
	}
	c := console.New(cfg)
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	t.Cleanup(c.Close)
	s.url, s.client, s.routes = server.URL, newBrowser(t), console.Routes(c)
	s.pages, s.close = c, c.Close
	return s
}

// newBrowser keeps cookies.
func newBrowser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}
}

// reply is what was answered, beside the body.
type reply struct {
	StatusCode int
	Header     http.Header
}

// cookie is the first one that was set.
func (r reply) cookie(t *testing.T) *http.Cookie {
	t.Helper()
	c, err := http.ParseSetCookie(r.Header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// send makes a request; header are names and values in turn.
func (s *site) send(method, path, body string, header ...string) (reply, string) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header}, string(data)
}

// page opens a page that has to be there.
func (s *site) page(path string) string {
	s.t.Helper()
	resp, body := s.send("GET", path, "")
	if resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %d %s", path, resp.StatusCode, body)
	}
	return body
}

func (s *site) has(path string, wants ...string) {
	s.t.Helper()
	body := s.page(path)
	for _, want := range wants {
		if !strings.Contains(body, want) {
			s.t.Errorf("%s lacks %q:\n%s", path, want, body)
		}
	}
}

var formKey = regexp.MustCompile(`name="form" value="([0-9a-f]+)"`)

// post sends a form of the page at from.
func (s *site) post(from, to string, fields ...string) (reply, string) {
	s.t.Helper()
	key := formKey.FindStringSubmatch(s.page(from))
	if key == nil {
		s.t.Fatalf("%s has no form", from)
	}
	return s.send("POST", to, values(append(fields, "form", key[1])...), "Content-Type", "application/x-www-form-urlencoded", "Origin", s.url)
}

func values(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

func (s *site) deposit(id string, amounts ...int64) {
	s.t.Helper()
	for _, n := range amounts {
		if _, err := talix.Run(s.rt.Context(s.t.Context()), account.Deposit, id, account.Movement{Amount: n}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// parked lets the action fail at an event, and gives its id.
func (s *site) parked() string {
	s.t.Helper()
	s.broken.Store(true)
	s.deposit("alice", 100)
	if _, body := s.request("POST", "/accounts/alice/withdrawals", `{"amount":30}`); !strings.Contains(body, "70") {
		s.t.Fatal(body)
	}
	var id string
	s.eventually(func() bool {
		items, err := s.rt.Work().List(s.t.Context(), runtime.WorkFilter{Status: "parked"})
		if err != nil || len(items) == 0 {
			return false
		}
		id = items[0].ID
		return true
	})
	return id
}

// request asks the services themselves.
func (s *site) request(method, path, body string) (reply, string) {
	r := httptest.NewRequestWithContext(s.t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	s.rt.Handler().ServeHTTP(w, r)
	return reply{w.Code, w.Header()}, w.Body.String()
}

func (s *site) balance(id string) int64 {
	s.t.Helper()
	a, err := talix.Load(s.rt.Context(s.t.Context()), account.Accounts, id)
	if err != nil && !errors.Is(err, talix.ErrNotFound) {
		s.t.Fatal(err)
	}
	return a.State.Balance
}

func (s *site) eventually(ok func() bool) {
	s.t.Helper()
	eventually(s.t, func() error {
		if !ok() {
			return errors.New("it did not happen")
		}
		return nil
	})
}

func eventually(t *testing.T, ok func() error) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
		}
	}
}

func token(text string) func(*console.Config) {
	return func(c *console.Config) { c.Token = text }
}

func readOnly(c *console.Config) { c.ReadOnly = true }
