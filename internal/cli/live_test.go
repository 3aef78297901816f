package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/internal/cli"
)

func TestLs(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.golden("ls", "ls")
	s.golden("ls-kind", "ls --kind query")
	s.says("ls --kind planet", "hosts nothing of that kind")
	if out := s.ok("ls --json"); !json.Valid([]byte(out)) || !strings.Contains(out, `"commands": [`) {
		t.Error(out)
	}
}

func TestLsOfEntities(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.says("ls account", "no entities were found")
	s.deposit("alice", 5, 7)
	s.deposit("bob", 7)
	s.deposit("bart", 7)
	s.golden("ls-entities", "ls account --by birth --oldest")
	if out := s.ok("ls account --search b"); strings.Contains(out, "alice") || strings.Index(out, "bart") > strings.Index(out, "bob") {
		t.Error(out)
	}
	_, more := s.run(cli.Done, "ls", "account", "--limit", "2")
	_, cursor, ok := strings.Cut(strings.TrimSpace(more), "talix ls account --cursor ")
	if out := s.ok("ls account --cursor", cursor); !ok || !strings.Contains(out, "alice") || strings.Contains(out, "bob") {
		t.Error(more, out)
	}
	if out := s.ok("ls account --json"); !json.Valid([]byte(out)) || strings.Count(out, `"id"`) != 3 {
		t.Error(out)
	}
	s.fails(cli.Failed, "ls planet", "planet")
	s.fails(cli.Failed, "ls account --by size", "birth")
	s.fails(cli.Misused, "ls account bob", "name one entity type")
}

func TestClusterOfOne(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5)
	for _, caughtUp := range []string{"accounts  0 ", "tallies   0 ", "notify    0 "} {
		s.eventually("cluster", caughtUp)
	}
	s.golden("cluster", "cluster status")
	s.says("cluster --json", `"clustered": false`)
	s.fails(cli.Misused, "cluster drain", "add --yes")
	s.fails(cli.Failed, "cluster drain --yes", "no other node")
	s.fails(cli.Misused, "cluster drain node", "takes 0 arguments")
}

func TestStateAndEvents(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5, 7)
	s.withdraw("alice", 2)
	s.golden("state", "state account alice")
	s.golden("state-at", "state account alice --at 2 --json")
	s.golden("events", "events account alice")
	s.golden("events-some", "events account alice --from 2 --limit 1 --reverse --json")
	s.says("state account alice --at 2999-01-01", "version 3")
	s.says("events account nobody", "there are no events")
	s.fails(cli.Failed, "state account alice --at 9", "no version 9 (not_found)")
	s.fails(cli.Failed, "state planet mars", "planet")
	s.fails(cli.Misused, "state account alice --at noon", "write a version")
	s.fails(cli.Misused, "state account", "name the type and the id")
	if out, _ := s.run(cli.Failed, "state", "planet", "mars", "--json"); !strings.Contains(out, `"code": "not_found"`) {
		t.Error(out)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.golden("run", "run account.deposit alice amount=5")
	s.golden("run-dry", "run account.deposit alice amount=7 --dry-run")
	s.says("run POST /accounts/alice/deposits amount=7", `"balance": 12`)
	s.says("run POST /accounts/{id}/deposits id=alice amount=7 --key k", `"balance": 19`)
	s.says("run POST /accounts/{id}/deposits id=alice amount=7 --key k", `"balance": 19`)
	s.in.WriteString(`{"amount": 1}`)
	s.says("run account.deposit alice -", `"balance": 20`)
	s.says("run account.deposit alice --json amount=1", `"ok": true`, `"correlation": "`)
	s.says("run wait w-1", `"started": "w-1"`)

	s.fails(cli.Failed, "run account.withdraw alice amount=100", "the account holds 21, which is less than 100 (rejected)")
	s.fails(cli.Failed, "run account.withdraw alice amount=100 --dry-run", "the account holds 21")
	s.fails(cli.Failed, "run account.deposit alice amount=0", "amount")
	s.fails(cli.Failed, "run account.depose alice", "talix ls lists what there is")
	s.fails(cli.Misused, "run", "name what is to be run")
	s.fails(cli.Misused, "run account.deposit", "needs an id")
	s.fails(cli.Misused, "run account.deposit alice sum=5", "it takes: amount")
	s.fails(cli.Misused, "run account.deposit alice amount=5 amount=6", "given twice")
	s.fails(cli.Misused, "run account.deposit alice {", "no JSON")
	s.fails(cli.Misused, "run account.deposit alice {} {}", "is too much")
	s.fails(cli.Misused, "run account.deposit alice amount=1 {}", "choose one")
	s.fails(cli.Misused, "run wait w-2 --dry-run", "is for commands")
	s.fails(cli.Misused, "run account.deposit alice amount=5 --header x", "write a header")
	out, _ := s.run(cli.Failed, "run", "account.withdraw", "alice", "amount=100", "--json")
	var one map[string]any
	if err := json.Unmarshal([]byte(out), &one); err != nil || one["ok"] != false {
		t.Errorf("%v: %s", err, out)
	}
}

func TestQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 5)
	s.deposit("bob", 7)
	s.eventually("query totals", `"balance": 12`)
	s.golden("query", "query list-accounts min=1")
	s.golden("query-one", "query totals")
	s.golden("query-sql", "query --sql", "SELECT id, balance, NULL AS missing FROM accounts ORDER BY id DESC")
	s.says("query GET /accounts/bob", `"balance": 7`)
	s.says("query list-accounts min=100", "no rows")
	s.says("query list-accounts --json", `"items": [`)
	if out := s.ok("query --sql", "SELECT 1 AS n", "--json"); !strings.Contains(out, `"columns": [`) {
		t.Error(out)
	}
	s.fails(cli.Failed, "query get-account id=nobody", "not_found")
	s.fails(cli.Failed, "query nothing", "there is no query")
	s.fails(cli.Misused, "query list-accounts most=1", "takes no")
	s.fails(cli.Misused, "query list-accounts 100", "is no value")
	s.fails(cli.Misused, "query --sql x y", "takes flags only")
	s.fails(cli.Failed, "query --sql DELETE", "SELECT")
}

func TestParked(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.says("parked", "nothing is parked")
	s.broken.Store(true)
	s.bad.Store(true)
	s.deposit("alice", 100)
	s.withdraw("alice", 30)
	s.eventually("parked", "event/notify/account/alice")
	s.eventually("parked", "a bug in the view")
	s.golden("parked", "parked")
	for _, caughtUp := range []string{"accounts  bank     0 ", "tallies   mail     0 "} {
		s.eventually("views", caughtUp)
	}
	s.golden("views", "views")
	s.says("parked --action notify", "event/notify/account/alice")
	if said := s.ok("parked --action other"); strings.Contains(said, "event/notify") {
		t.Errorf("parked --action other says:\n%s", said)
	}
	s.says("parked --json", `"work": {`, `"views": [`)
	s.says("parked show event/notify/account/alice", "the mail server is away", "account alice v2", `"amount": 30`)
	s.says("views parked tallies", "a bug in the view")
	s.says("views parked accounts", "it takes all events")

	s.fails(cli.Misused, "parked retry", "name the work by its id")
	s.fails(cli.Misused, "parked skip event/notify/account/alice", "add --yes")
	s.fails(cli.Misused, "parked mend x", `there is no "mend" here`)
	s.fails(cli.Misused, "parked show", "takes 1 arguments")
	s.fails(cli.Misused, "views skip tallies account alice", "add --yes")
	s.fails(cli.Failed, "parked retry event/notify/account/nobody", "not_found")
	s.fails(cli.Failed, "views retry tallies account alice", "a bug in the view")

	s.broken.Store(false)
	s.bad.Store(false)
	s.says("parked retry event/notify/account/alice", "it is tried again: event/notify/account/alice")
	s.says("views retry tallies account alice", "taken again")
	s.eventually("parked", "nothing is parked")
	s.eventually("state account fees", `"Balance": 1`)
}

func TestReplayAndSkip(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.broken.Store(true)
	s.bad.Store(true)
	for _, id := range []string{"alice", "bob"} {
		s.deposit(id, 100)
		s.withdraw(id, 1)
	}
	s.eventually("parked", "event/notify/account/alice")
	s.eventually("parked --limit 1 --after event/notify/account/alice", "event/notify/account/bob")
	if _, err := s.run(cli.Done, "parked", "--limit", "1"); !strings.Contains(err, "add --after event/notify/account/alice") {
		t.Error(err)
	}
	s.says("parked skip --yes --json event/notify/account/alice", `"done": true`)
	s.broken.Store(false)
	s.says("parked replay notify", "tried again: 1 piece of work of notify")
	s.eventually("views parked tallies", "account alice")
	s.eventually("views parked tallies", "account bob")
	s.says("views skip --yes tallies account bob", "passed over")
	s.says("views skip --yes tallies account alice", "passed over")
	s.eventually("parked", "nothing is parked")
	s.eventually("state account fees", `"Balance": 1`)
	s.bad.Store(false)
	s.fails(cli.Different, "views verify tallies", "2 rows differ")
	out, _ := s.run(cli.Different, "views", "verify", "tallies", "--json")
	if !json.Valid([]byte(out)) {
		t.Error(out)
	}
	s.says("views rebuild tallies", "tallies was made anew")
	s.says("views verify tallies", "is what the log makes of it")
	s.fails(cli.Failed, "views rebuild nothing", "nothing")
}

func TestWorkflowsAndTimers(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.says("workflows", "no workflow is under way")
	s.eventually("timers", "schedule/nightly")
	s.says("timers", "DUE", "IN", "h")
	s.says("timers --json", `"schedules": {`, `"timers": {`)
	s.fails(cli.Misused, "timers nightly", "takes flags only")
	s.ok("run wait w-1")
	s.ok("run wait w-2")
	s.eventually("workflows --status waiting", "wait/w-2")
	s.eventually("workflows --status waiting", "wait/w-1")
	s.says("workflows show wait/w-1", "workflow/wait/w-1", "awaits    proceed")
	s.fails(cli.Misused, "workflows signal wait/w-1", "takes 2 arguments")
	s.fails(cli.Misused, "workflows signal wait/w-1 proceed {} {}", "one JSON document")
	s.fails(cli.Misused, "workflows cancel wait/w-2", "add --yes")
	s.ok("workflows signal wait/w-1 proceed", `"go on"`)
	s.ok("workflows cancel wait/w-2 --yes")
	s.eventually("workflows", "no workflow is under way")
}

func TestBench(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.fails(cli.Misused, "bench account.deposit amount=1", "add --yes")
	out, lines := s.run(cli.Done, strings.Fields("bench account.deposit amount=1 --yes --callers 4 --entities 2 --prefix b --count 50 --for 10m")...)
	for _, want := range []string{"account.deposit by 4 callers on 2 entities, named b…", "runs     50 in ", "/s\n", "took     half "} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q: %s%s", want, out, lines)
		}
	}
	s.says("state account b1", `"Balance": 25`)
	s.says("bench account.deposit amount=1 --yes --count 5 --json", `"runs": 5`)
	s.fails(cli.Failed, "bench account.withdraw amount=1 --yes --count 5", "no run of account.withdraw went well")
	s.fails(cli.Failed, "bench account.deposit amount=1 --yes --callers 2000", "is from 1 to 1024")
	s.fails(cli.Failed, "bench transfer --yes", "there is no command")
}

// What an operator sees of a flow: the request, its command, its event, and what
// followed.
func TestFlow(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 100)
	var answer struct{ Correlation string }
	if err := json.Unmarshal([]byte(s.ok("run POST /accounts/alice/withdrawals amount=30 --json")), &answer); err != nil || answer.Correlation == "" {
		t.Fatal(err, answer)
	}
	s.eventually("flow "+answer.Correlation, "      event ACCOUNTS:DEPOSITED")
	s.says("flow "+answer.Correlation, "AFTER", "action POST /accounts/{id}/withdrawals", "  command account.withdraw", "alice v2")
	s.says("flow", answer.Correlation, "BEGAN WITH")
	s.says("flow --failed", "no request is remembered")
	s.fails(cli.Failed, "flow x", "correlation")
	s.fails(cli.Misused, "flow x y", "one correlation id")
}

// lines is what a command writes while it goes on.
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

// tailing is a tail that goes on.
type tailing struct {
	out, err lines
	ended    chan int
}

func (s *site) tail(ctx context.Context, args ...string) *tailing {
	t := &tailing{ended: make(chan int, 1)}
	go func() {
		t.ended <- cli.Run(ctx, append([]string{"tail"}, args...), cli.Env{
			Stdout: &t.out, Stderr: &t.err, Now: time.Now, Getenv: func(name string) string { return s.env[name] },
		})
	}()
	return t
}

// until waits for something.
func (s *site) until(ok func() bool) {
	s.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			s.Fatal("it never was so")
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-s.Context().Done():
		}
	}
}

func TestTail(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	all, bobs := s.tail(ctx), s.tail(ctx, "account", "bob", "--json", "--limit", "2", "--event", "ACCOUNTS:DEPOSITED")
	s.until(func() bool {
		s.deposit("alice", 1) // until both have begun
		s.deposit("bob", 1)
		return strings.Contains(all.out.String(), "account bob") && strings.Count(bobs.out.String(), "\n") == 2
	})
	if code := <-bobs.ended; code != cli.Done {
		t.Errorf("it ended with %d: %s", code, &bobs.err)
	}
	for line := range strings.Lines(bobs.out.String()) {
		if !json.Valid([]byte(line)) || !strings.Contains(line, `"entityId":"bob"`) {
			t.Error(line)
		}
	}
	cancel()
	if code := <-all.ended; code != cli.Done {
		t.Errorf("it ended with %d: %s", code, &all.err)
	}
	s.fails(cli.Misused, "tail account bob x", "3 arguments")
}

// A tail goes on over a program that is away for a while: each event is told
// once.
func TestTailReconnects(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	tail := s.tail(ctx, "account", "alice", "--json")
	told := func() []event {
		var all []event
		for line := range strings.Lines(tail.out.String()) {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			all = append(all, e)
		}
		return all
	}
	version := int64(0)
	deposit := func() {
		s.deposit("alice", 1)
		version++
	}
	s.until(func() bool {
		deposit() // until it has begun
		return len(told()) > 0
	})
	for range 4 {
		s.server.CloseClientConnections()
		deposit()
		s.until(func() bool {
			all := told()
			return all[len(all)-1].Version == version
		})
	}
	all := told()
	for i, e := range all[1:] {
		if e.Version != all[i].Version+1 {
			t.Errorf("version %d came after %d", e.Version, all[i].Version)
		}
	}
	cancel()
	if code := <-tail.ended; code != cli.Done || !strings.Contains(tail.err.String(), "the program is back") {
		t.Errorf("it ended with %d: %s", code, &tail.err)
	}
}

// event is an event as a tail tells it.
type event struct{ Version int64 }

// What is stored does nothing to the terminal on which it is shown.
func TestTerminalsAreSafe(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const evil = "a\x1b[2J\u009b31m\u202e\tb"
	s.deposit(evil, 1)
	for _, line := range []string{"ls account", "flow"} {
		if out := s.ok(line); strings.ContainsAny(out, "\x1b\u009b\u202e\t") || !strings.Contains(out, "a·[2J·31m· b") && line != "flow" {
			t.Errorf("%s: %q", line, out)
		}
	}
	for _, args := range [][]string{{"state", "account", evil}, {"events", "account", evil}, {"state", "account", evil + evil}, {"run", evil}} {
		if _, out, err := s.try(args...); strings.ContainsAny(out+err, "\x1b\u009b\u202e\t") {
			t.Errorf("%q: %q%q", args, out, err)
		}
	}
}

// What cannot be reached, or may not be asked, is told with what to do.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	const secret = "a-secret-of-the-operators"
	s := newSite(t, func(c *console.Config) { c.Token, c.ReadOnly = secret, true })
	s.fails(cli.Failed, "ls", "TALIX_ADMIN_TOKEN")
	s.fails(cli.Failed, "tail", "TALIX_ADMIN_TOKEN")
	s.fails(cli.Failed, "ls --admin-token wrong", "does not know this token")
	s.ok("ls --admin-token " + secret)
	s.env["TALIX_ADMIN_TOKEN"] = secret
	s.says("ls", "account.deposit")
	s.fails(cli.Failed, "run account.deposit alice amount=5", "--admin-read-only")
	s.says("run account.deposit alice amount=5 --dry-run", "ACCOUNTS:DEPOSITED")
	s.fails(cli.Failed, "views rebuild accounts", "--admin-read-only")
	s.fails(cli.Misused, "ls --admin ftp://x", "write one as in")

	other := httptest.NewServer(nil)
	s.env["TALIX_ADMIN"] = other.URL
	s.fails(cli.Failed, "views", "no console of a talix program")
	other.Close()
	s.env["TALIX_ADMIN"] = "127.0.0.1:1" // nobody listens there
	s.fails(cli.Failed, "views", "start it, or name the address of its --admin")
	if help := s.ok("help ls"); strings.Contains(help, secret) || strings.Contains(help, other.URL) {
		t.Error(help)
	}
}
