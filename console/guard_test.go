package console_test

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/talix-dev/talix/console"
)

const secret = "a-secret-of-the-operators"

func TestHostsOfOthersAreRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8081": 200, "LOCALHOST.": 200, "127.0.0.1:1": 200, "127.8.8.8": 200, "[::1]:8081": 200,
		"evil.example": 421, "evil.example:8081": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "192.168.0.1": 421, "0.0.0.0": 421,
	} {
		for _, path := range []string{"/", "/api/v1/health"} {
			if resp, body := s.send("GET", path, "", "Host", host); resp.StatusCode != want {
				t.Errorf("%s of %s: %d, want %d: %s", path, host, resp.StatusCode, want, body)
			}
		}
	}
}

func TestTokenIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, token(secret))
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, path := range []string{"/", "/map", "/entities", "/views", "/work", "/run", "/flows", "/sql?q=select+1", "/nothing"} {
		if resp, body := s.send("GET", path, ""); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/login?next=") || strings.Contains(body, "bank") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, body)
		}
	}
	if resp, _ := s.send("GET", "/live", ""); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("live: %d", resp.StatusCode)
	}
	if resp, _ := s.send("POST", "/do/retry", "id=x", "Content-Type", "application/x-www-form-urlencoded"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("a form: %d", resp.StatusCode)
	}
	for _, bearer := range []string{"", "Bearer ", "Bearer wrong", "Bearer " + secret + "x", "Bearer " + secret[1:], "Basic " + secret, secret} {
		resp, body := s.send("GET", "/api/v1/health", "", "Authorization", bearer)
		if resp.StatusCode != http.StatusUnauthorized || resp.Header.Get("Content-Type") != "application/problem+json" || resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%q: %d %s", bearer, resp.StatusCode, body)
		}
	}
	if resp, body := s.send("GET", "/api/v1/health", "", "Authorization", "Bearer "+secret, "Host", "console.example"); resp.StatusCode != http.StatusOK {
		t.Errorf("the token was refused: %d %s", resp.StatusCode, body)
	}
	if resp, _ := s.send("GET", "/", "", "Authorization", "Bearer "+secret); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("pages take the header: %d", resp.StatusCode)
	}
}

// The user's own way to tell who may takes the token's place, at any host, and
// its names are those of the audit.
func TestAuthorize(t *testing.T) {
	t.Parallel()
	s := newSite(t, token(secret), func(c *console.Config) {
		c.Authorize = func(r *http.Request) (string, error) {
			if who := r.Header.Get("Remote-User"); who != "" {
				return who, nil
			}
			return "", errors.New("sign in at the front door")
		}
	})
	s.each(func(r route) {
		want := http.StatusForbidden
		switch {
		case r.path == "/login" && r.changes():
			want = http.StatusUnauthorized // there is no token that it could take
		case r.open():
			want = http.StatusOK
		}
		for _, header := range [][]string{{"Host", "console.example"}, {"Authorization", "Bearer " + secret}} {
			got, body := s.try(r, "{}", header...)
			refused := got.StatusCode == want || r.changes() && got.StatusCode == http.StatusForbidden // as of another site
			if !refused || strings.Contains(body, "account") {
				t.Errorf("%s with %v: %d, want %d: %.200s", r, header, got.StatusCode, want, body)
			}
		}
	})
	as := []string{"Host", "console.example", "Remote-User", "ann"}
	if got, body := s.send("GET", "/", "", as...); got.StatusCode != http.StatusOK || strings.Contains(body, "Sign out") {
		t.Errorf("%d %s", got.StatusCode, body)
	}
	if got, body := s.send("POST", "/api/v1/work/replay", `{"name":"notify"}`, append(as, "Content-Type", jsonType)...); got.StatusCode != http.StatusOK || !strings.Contains(s.log.String(), `"who":"ann from 127.0.0.1:`) {
		t.Errorf("%d %s; the audit: %s", got.StatusCode, body, s.log)
	}
	if got, body := s.send("POST", "/do/replay", "name=notify", append(as, "Content-Type", formType)...); got.StatusCode != http.StatusForbidden {
		t.Errorf("a form without its token: %d %s", got.StatusCode, body)
	}
}

// The audit tells what a program says that it is, if it is a word.
func TestClientsAreNamed(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for name, want := range map[string]string{"talix-mcp": ` by talix-mcp","outcome"`, "": `[0-9]","outcome"`, "mcp from 10.0.0.1": `[0-9]","outcome"`, strings.Repeat("x", 33): `[0-9]","outcome"`} {
		before := len(s.log.String())
		if got, body := s.send("POST", "/api/v1/work/replay", `{"name":"notify"}`, "Content-Type", jsonType, "Talix-Client", name); got.StatusCode != http.StatusOK {
			t.Fatalf("%d %s", got.StatusCode, body)
		}
		if log := s.log.String()[before:]; !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("%q: the audit: %s", name, log)
		}
	}
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	s := newSite(t, token(secret))
	form := func(pairs ...string) (reply, string) {
		return s.send("POST", "/login", values(pairs...), "Content-Type", "application/x-www-form-urlencoded", "Origin", s.url)
	}
	if resp, body := form("token", "wrong", "next", "/map"); resp.StatusCode != http.StatusUnauthorized || !strings.Contains(body, "not the token") {
		t.Errorf("%d %s", resp.StatusCode, body)
	}
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for next, want := range map[string]string{"/map": "/map", "https://evil.example": "/", "//evil.example": "/", `/\evil.example`: "/", "/\t/evil.example": "/", "": "/"} {
		resp, _ := form("token", secret, "next", next)
		if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != want {
			t.Errorf("%q: %d, on to %q", next, resp.StatusCode, resp.Header.Get("Location"))
		}
		c := resp.cookie(t)
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || strings.Contains(c.Value, secret) || len(c.Value) < 20 || c.MaxAge <= 0 {
			t.Errorf("cookie %+v", c)
		}
	}
	s.has("/", "Health", "Sign out")
	at, err := url.Parse(s.url)
	if err != nil {
		t.Fatal(err)
	}
	kept := s.client.Jar.Cookies(at)
	if resp, _ := s.post("/", "/logout"); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("sign out: %d", resp.StatusCode)
	}
	s.client.Jar.SetCookies(at, kept) // who has copied the cookie
	if resp, _ := s.send("GET", "/", ""); resp.StatusCode != http.StatusSeeOther {
		t.Errorf("the session is still good: %d", resp.StatusCode)
	}
	if log := s.log.String(); strings.Count(log, `"what":"sign in"`) != 7 || !strings.Contains(log, "refused") || strings.Contains(log, secret) {
		t.Errorf("the log: %s", log)
	}
}

func TestFormsOfOtherSites(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	id := s.parked()
	key := formKey.FindStringSubmatch(s.page("/work/item?id=" + url.QueryEscape(id)))[1]
	const form = "application/x-www-form-urlencoded"
	for name, test := range map[string]struct {
		body   string
		header []string
	}{
		"no form token":    {values("id", id), []string{"Origin", s.url}},
		"wrong form token": {values("id", id, "form", strings.Repeat("0", 64)), []string{"Origin", s.url}},
		"other origin":     {values("id", id, "form", key), []string{"Origin", "https://evil.example"}},
		"null origin":      {values("id", id, "form", key), []string{"Origin", "null"}},
		"cross-site":       {values("id", id, "form", key), []string{"Sec-Fetch-Site", "cross-site"}},
		"same-site":        {values("id", id, "form", key), []string{"Sec-Fetch-Site", "same-site"}},
	} {
		if resp, body := s.send("POST", "/do/retry", test.body, append(test.header, "Content-Type", form)...); resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d %s", name, resp.StatusCode, body)
		}
	}
	other := *s
	other.client = &http.Client{Transport: s.client.Transport} // another browser, with a token that is not its own
	if resp, _ := other.send("POST", "/do/retry", values("id", id, "form", key), "Content-Type", form, "Origin", s.url); resp.StatusCode != http.StatusForbidden {
		t.Errorf("a token of another browser: %d", resp.StatusCode)
	}
	for name, header := range map[string][]string{
		"text":         {"Content-Type", "text/plain"},
		"form":         {"Content-Type", form},
		"other origin": {"Content-Type", "application/json", "Origin", "https://evil.example"},
		"cross-site":   {"Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"},
	} {
		if resp, body := s.send("POST", "/api/v1/work/retry", `{"id":"`+id+`"}`, header...); resp.StatusCode != http.StatusForbidden && resp.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("API, %s: %d %s", name, resp.StatusCode, body)
		}
	}
	if strings.Contains(s.log.String(), "retry work") {
		t.Error("something was retried")
	}
	if resp, _ := s.send("GET", "/do/retry?id="+url.QueryEscape(id), ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("a change by GET: %d", resp.StatusCode)
	}
}

func TestReadOnly(t *testing.T) {
	t.Parallel()
	s := newSite(t, readOnly)
	id := s.parked()
	s.broken.Store(false)
	for path, body := range map[string]string{
		"work/retry": `{"id":"` + id + `"}`, "work/skip": `{"id":"` + id + `"}`, "work/replay": `{"name":"notify"}`, "work/cancel": `{"id":"x"}`,
		"work/signal": `{"runId":"x","signal":"y"}`, "view/rebuild": `{"name":"accounts"}`, "view/verify": `{"name":"accounts"}`,
		"view/retry": `{"name":"accounts"}`, "view/skip": `{"name":"accounts"}`,
		"run":   `{"kind":"command","name":"account.deposit","id":"alice","input":{"amount":1}}`,
		"bench": `{"name":"account.deposit","prefix":"fees","entities":1,"count":1,"input":{"amount":1}}`,
	} {
		if resp, got := s.send("POST", "/api/v1/"+path, body, "Content-Type", "application/json"); resp.StatusCode != http.StatusForbidden || !strings.Contains(got, "--admin-read-only") {
			t.Errorf("%s: %d %s", path, resp.StatusCode, got)
		}
	}
	if s.balance("alice") != 70 || s.balance("fees") != 0 {
		t.Error("something was changed")
	}
	if resp, body := s.send("POST", "/api/v1/run", `{"kind":"query","name":"totals"}`, "Content-Type", "application/json"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "accounts") {
		t.Errorf("a query: %d %s", resp.StatusCode, body)
	}
	for _, path := range []string{"/", "/work", "/work/item?id=" + url.QueryEscape(id), "/view?name=accounts"} {
		if body := s.page(path); !strings.Contains(body, "read only") || strings.Contains(body, `action="/do/`) {
			t.Errorf("%s offers changes", path)
		}
	}
}
