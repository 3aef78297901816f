package console_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

func TestPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.parked()
	if err := talix.Start(s.rt.Context(t.Context()), wait, "w1", "hello"); err != nil {
		t.Fatal(err)
	}
	s.request("GET", "/totals", "")
	s.request("POST", "/accounts/alice/withdrawals", `{"amount":300}`)
	s.has("/", "Health", "1 piece of work failed for good", "account.deposit", "the account holds 70")
	s.has("/map", "<svg", "POST /acc", "account.withdraw", "ACCOUNTS:DEPOSITED", "notify", "1 parked", "wire learnt")
	s.has("/entities", "alice", "ACCOUNTS:WITHDRAWN")
	s.has("/entities?type=account&search=al", "alice")
	s.has("/entities?search=nobody", "Nothing was found")
	s.has("/entity?type=account&id=alice", "ACCOUNTS:WITHDRAWN", "was 100", "account.withdraw", "POST /accounts/{id}/withdrawals", `max="2"`)
	s.has("/entity?type=account&id=alice&v=1", "line added", "Balance", "100")
	s.has("/views", "accounts", "Ask in SQL")
	s.has("/view?name=accounts", "alice", "Verify against the log", "transit")
	s.has("/sql?q=SELECT+id,+balance+AS+b+FROM+accounts", "alice", "1 rows")
	s.has("/sql?q=DELETE+FROM+accounts", "write one SELECT")
	s.has("/work", "notify", "parked", "wait", "signal go")
	s.has("/work?status=waiting", "wait")
	s.has("/work/item?id="+url.QueryEscape(id), "the mail &lt;b&gt;server&lt;/b&gt; is away", "Retry now", "Yes, skip it")
	s.has("/run", "account.deposit", "/transfers", "wait", "totals")
	s.has("/run/form?kind=command&name=account.deposit&id=alice", `name="input.amount"`, "Whole cents.", `value="alice"`)
	s.has("/run/form?kind=action&name=POST+/accounts/{id}/deposits", `name="path.id"`, `name="input.amount"`, "Idempotency key")
	s.has("/flows", "POST /accounts/{id}/withdrawals")
	s.has("/flows?failed=1", "POST /accounts/{id}/withdrawals")
	for path, want := range map[string]int{
		"/nothing": 404, "/entity?type=account&id=nobody": 404, "/entity?type=nothing&id=a": 404, "/entity?type=account&id=alice&v=x": 422,
		"/view?name=nothing": 404, "/view?name=accounts&table=sqlite_master": 404, "/view?name=accounts&offset=-1": 422, "/work/item?id=nothing": 422,
		"/run/form?kind=command&name=nothing": 404, "/flow?id=nothing": 422, "/flow?id=01890a5d-ac96-774b-bcce-b302099a8057": 404, "/work?kind=nothing": 422,
	} {
		if resp, body := s.send("GET", path, ""); resp.StatusCode != want || !strings.Contains(body, "Back to the start") {
			t.Errorf("%s: %d, want %d", path, resp.StatusCode, want)
		}
	}
}

// What is written of users is shown as text, whatever it says.
func TestForeignText(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const evil = `"><script>alert(1)</script>'`
	s.deposit(evil, 5)
	q := url.QueryEscape(evil)
	for _, path := range []string{"/entities", "/entities?search=" + q, "/entity?type=account&id=" + q, "/flows", "/sql?q=" + q, "/login?next=" + q, "/work?action=" + q + "&kind=event", "/run/form?kind=command&name=account.deposit&id=" + q} {
		body := s.page(path)
		if strings.Contains(body, "<script>alert") || !strings.Contains(body, "alert(1)") && path != "/flows" && !strings.HasPrefix(path, "/login") {
			t.Errorf("%s:\n%s", path, body)
		}
	}
}

var (
	inline  = regexp.MustCompile(`(?i)<script[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:|https?://`)
	inputs  = regexp.MustCompile(`<(input|textarea|select)[^>]*>`)
	idOf    = regexp.MustCompile(`\sid="([^"]+)"`)
	headers = regexp.MustCompile(`<th[ >]`)
)

// Every page keeps the policy that it is served with, and can be used without
// eyes and mouse.
func TestStructure(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.parked()
	for _, path := range []string{
		"/", "/map", "/entities", "/entity?type=account&id=alice", "/views", "/view?name=accounts", "/sql", "/work", "/work/item?id=" + url.QueryEscape(id),
		"/cluster", "/run", "/run/form?kind=command&name=account.deposit", "/run/form?kind=action&name=POST+/transfers", "/flows", "/login",
	} {
		body := s.page(path)
		if found := inline.FindString(body); found != "" {
			t.Errorf("%s has %q, which the policy forbids", path, found)
		}
		for _, want := range []string{`<html lang="en">`, `<main id="main"`, `<nav aria-label=`, "<h1", "Skip to content", "<title>"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s", path, want)
			}
		}
		if strings.Count(body, "<h1") != 1 {
			t.Errorf("%s has %d first headings", path, strings.Count(body, "<h1"))
		}
		for _, field := range inputs.FindAllString(body, -1) {
			id := idOf.FindStringSubmatch(field)
			if strings.Contains(field, `type="hidden"`) || strings.Contains(field, `type="checkbox"`) || strings.Contains(field, `name="signal"`) || strings.Contains(field, `name="data"`) {
				continue // or its label is around it
			}
			if id == nil || !strings.Contains(body, `for="`+id[1]+`"`) {
				t.Errorf("%s: no label for %s", path, field)
			}
		}
		if headers.MatchString(body) && strings.Count(body, "<table") != strings.Count(body, "<caption") {
			t.Errorf("%s has a table without a caption", path)
		}
		ids := map[string]bool{}
		for _, m := range idOf.FindAllStringSubmatch(body, -1) {
			if ids[m[1]] {
				t.Errorf("%s has the id %s twice", path, m[1])
			}
			ids[m[1]] = true
		}
	}
}

// A parked action is mended from the console, and its flow tells of it.
func TestMending(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.parked()
	item := "/work/item?id=" + url.QueryEscape(id)
	correlation := regexp.MustCompile(`/flow\?id=([0-9a-f-]{36})`).FindStringSubmatch(s.page(item))[1]
	s.has("/flow?id="+correlation, "POST /accounts/{id}/withdrawals", "account.withdraw", "ACCOUNTS:WITHDRAWN", "notify", "send mail", "parked", "the mail &lt;b&gt;server&lt;/b&gt; is away")
	if _, body := s.post(item, "/do/retry", "id", id, "back", item); !strings.Contains(body, "It is being tried again.") {
		t.Errorf("%s", body)
	}
	s.eventually(func() bool {
		_, body := s.send("GET", item, "")
		return strings.Contains(body, "parked")
	})
	s.broken.Store(false)
	if _, body := s.post("/work", "/do/replay", "name", "notify", "back", "/work"); !strings.Contains(body, "1 parked piece of work is being tried again.") {
		t.Errorf("%s", body)
	}
	s.eventually(func() bool { return s.balance("fees") == 1 })
	s.eventually(func() bool { return strings.Contains(s.page(item), "Nothing is left to do") })
	s.has("/flow?id="+correlation, "attempt 3", "account.deposit")
	f := flowOf(t, s, correlation)
	depth := map[string]int{}
	for _, step := range f.Steps {
		depth[step.Kind+" "+step.Name] = step.Depth
	}
	for what, want := range map[string]int{"action POST /accounts/{id}/withdrawals": 0, "command account.withdraw": 1, "event ACCOUNTS:WITHDRAWN": 2, "action notify": 3, "step send mail": 4, "command account.deposit": 4, "event ACCOUNTS:DEPOSITED": 5} {
		if got, ok := depth[what]; !ok || got != want {
			t.Errorf("%s stands at %d, want %d", what, got, want)
		}
	}
	for _, want := range []string{`"what":"retry work","subject":"` + id + `","who":"local 127.0.0.1:`, `"what":"replay work","subject":"notify"`} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the audit lacks %s:\n%s", want, s.log)
		}
	}
	if _, body := s.post("/view?name=accounts", "/do/skip", "id", "event/nothing/a/b", "back", "/work"); !strings.Contains(body, "That did not work") {
		t.Errorf("%s", body)
	}
}

// What nobody will mend is given up, and what waits is cancelled.
func TestGivingUp(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.parked()
	item := "/work/item?id=" + url.QueryEscape(id)
	if _, body := s.post(item, "/do/skip", "id", id, "back", "/work"); !strings.Contains(body, "It was given up") {
		t.Error(body)
	}
	s.eventually(func() bool { return strings.Contains(s.page(item), "Nothing is left to do") })
	if s.balance("fees") != 0 {
		t.Error("what was given up had its effect")
	}
	if err := talix.Start(s.rt.Context(t.Context()), wait, "w9", "hello"); err != nil {
		t.Fatal(err)
	}
	s.eventually(func() bool { return strings.Contains(s.page("/work?kind=workflow&status=waiting"), "signal go") })
	run := wait.RunID("w9")
	s.has("/work/item?id="+url.QueryEscape(run), "waiting", "Cancel…", "Signal…", `&#34;hello&#34;`)
	if _, body := s.post("/work/item?id="+url.QueryEscape(run), "/do/cancel", "id", run, "back", "/work"); !strings.Contains(body, "It was asked to end") {
		t.Error(body)
	}
	s.eventually(func() bool { return !strings.Contains(s.page("/work?kind=workflow"), "signal go") })
	for _, want := range []string{`"what":"skip work","subject":"` + id, `"what":"cancel run","subject":"` + run} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the audit lacks %s: %s", want, s.log)
		}
	}
}

func flowOf(t *testing.T, s *site, correlation string) (f api.Flow) {
	t.Helper()
	_, body := s.send("GET", "/api/v1/flow?correlation="+correlation, "")
	if err := json.Unmarshal([]byte(body), &f); err != nil {
		t.Fatal(err, body)
	}
	return f
}

func TestRunByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const form = "/run/form?kind=command&name=account.deposit"
	run := func(fields ...string) string {
		_, body := s.post(form, "/run/form", fields...)
		return body
	}
	command := []string{"kind", "command", "name", "account.deposit", "id", "alice"}
	if body := run(append(command, "input.amount", "5")...); !strings.Contains(body, "Confirm that") || s.balance("alice") != 0 {
		t.Errorf("it was run without a confirmation: %s", body)
	}
	for range 2 {
		if body := run(append(command, "input.amount", "5", "confirm", "yes", "key", "once")...); !strings.Contains(body, "&#34;balance&#34;: 5") {
			t.Error(body)
		}
	}
	if body := run(append(command, "input.amount", "x", "confirm", "yes")...); !strings.Contains(body, "is no number") {
		t.Error(body)
	}
	if body := run(append(command, "input.amount", "0", "confirm", "yes")...); !strings.Contains(body, "422") || !strings.Contains(body, "amount") {
		t.Error(body)
	}
	if body := run("kind", "action", "name", "POST /accounts/{id}/deposits", "path.id", "alice", "input.amount", "7", "confirm", "yes"); !strings.Contains(body, "&#34;balance&#34;: 12") || !strings.Contains(body, "see its flow") {
		t.Error(body)
	}
	if body := run("kind", "action", "name", "POST /accounts/{id}/withdrawals", "path.id", "alice", "input.amount", "700", "confirm", "yes"); !strings.Contains(body, "409") || !strings.Contains(body, "less than 700") {
		t.Error(body)
	}
	if body := run("kind", "query", "name", "get-account", "path.id", "alice"); !strings.Contains(body, "&#34;balance&#34;: 12") {
		t.Error(body)
	}
	if body := run("kind", "workflow", "name", "wait", "id", "w1", "input", `hello`, "confirm", "yes"); !strings.Contains(body, "started") {
		t.Error(body)
	}
	runID := wait.RunID("w1")
	if _, body := s.post(form, "/do/signal", "id", runID, "signal", "go", "data", `"now"`, "back", "/work"); !strings.Contains(body, "The signal was sent.") {
		t.Error(body)
	}
	if out, err := talix.Wait(s.rt.Context(t.Context()), wait, "w1"); out != "now" || err != nil {
		t.Error(out, err)
	}
	if log := s.log.String(); strings.Count(log, `"what":"run command","subject":"account.deposit alice"`) != 3 || strings.Contains(log, "get-account") {
		t.Errorf("the audit: %s", log)
	}
}

func TestViewsByHand(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	var ids []string
	for i := range 120 {
		id := "a" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		ids = append(ids, id)
		s.deposit(id, 1)
	}
	s.eventually(func() bool {
		_, body := s.request("GET", "/totals", "")
		return strings.Contains(body, `"accounts":120`)
	})
	s.has("/view?name=accounts", ids[0], ids[49], "1–50 of 120", "offset=50")
	s.has("/view?name=accounts&offset=100", ids[100], ids[119], "101–120 of 120", "offset=50")
	if body := s.page("/view?name=accounts&offset=100"); strings.Contains(body, ids[99]) || strings.Contains(body, "Next") {
		t.Error("the last page has more")
	}
	if _, body := s.post("/view?name=accounts", "/view/verify", "name", "accounts"); !strings.Contains(body, "Every row is what the log makes of it") {
		t.Error(body)
	}
	if _, body := s.post("/view?name=accounts", "/do/rebuild", "name", "accounts", "back", "/view?name=accounts"); !strings.Contains(body, "The rebuild has begun.") {
		t.Error(body)
	}
}

func TestLongTimeline(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for i := range int64(260) {
		s.deposit("alice", i+1)
	}
	s.has("/entity?type=account&id=alice", "236–260 of 260", "was 33670", "33930", "v=235")
	s.has("/entity?type=account&id=alice&v=60", "51–75 of 260", "was 1770", "1830", "v=50", "v=100")
	s.has("/entity?type=account&id=alice&v=1", "1–25 of 260", "v=2", "v=50")
	var e api.Entity
	_, body := s.send("GET", "/api/v1/entity?type=account&id=alice&first=1&last=500", "")
	if err := json.Unmarshal([]byte(body), &e); err != nil || len(e.Moments) != 0 && e.Moments[len(e.Moments)-1].Version > 260 || len(e.Moments) > api.MaxMoments {
		t.Errorf("%d moments, %v", len(e.Moments), err)
	}
	_, body = s.send("GET", "/api/v1/entity?type=account&id=alice&first=10&last=12", "")
	if err := json.Unmarshal([]byte(body), &e); err != nil || len(e.Moments) != 3 || e.Moments[0].Version != 10 || len(e.Moments[0].Changes) != 1 || e.Moments[0].Changes[0].Was != "45" {
		t.Errorf("%s, %v", body, err)
	}
}

func TestAPI(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.deposit("alice", 1)
	for path, want := range map[string]string{
		"health": `"ready":true`, "map": `"id":"command:account.deposit"`, "catalog": `"name":"account.deposit"`, "entities?type=account": `"id":"alice"`,
		"views": `"name":"accounts"`, "view?name=accounts": `"lag":`, "view/parked?name=accounts": "null", "rows?table=accounts": `"columns":["id"`,
		"work": `"items":[]`, "cluster": `"clustered":false`, "runnables": `"kind":"workflow"`, "flows": `"oneIn":1`,
	} {
		resp, body := s.send("GET", "/api/v1/"+path, "")
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" || !json.Valid([]byte(body)) || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	for path, want := range map[string]int{"nothing": 404, "entity?type=account&id=nobody": 404, "entities?type=account&max=-1": 422, "rows?table=nothing": 404} {
		resp, body := s.send("GET", "/api/v1/"+path, "")
		var p api.Problem
		if err := json.Unmarshal([]byte(body), &p); err != nil || resp.StatusCode != want || p.Status != want || p.Code == "" || resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	resp, body := s.send("POST", "/api/v1/run", `{"kind":"command","name":"account.deposit","id":"alice","input":{"amount":2}}`, "Content-Type", "application/json")
	var a api.RunAnswer
	if err := json.Unmarshal([]byte(body), &a); err != nil || resp.StatusCode != http.StatusOK || !a.OK || a.Body != `{"balance":3,"version":2}` || a.Correlation == "" {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	if resp, body := s.send("POST", "/api/v1/run", `{"kind":"command","nme":"x"}`, "Content-Type", "application/json"); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
}

func TestLive(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "event: tick" || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("%q %v", lines.Text(), lines.Err())
	}
}
