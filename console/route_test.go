package console_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What follows holds for every route there is, so that a new one is not
// forgotten.

const (
	formType = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

// route is a method with a path that it is answered at.
type route struct{ method, path string }

func (r route) String() string { return r.method + " " + r.path }
func (r route) api() bool      { return strings.HasPrefix(r.path, "/api/") }
func (r route) changes() bool  { return r.method == http.MethodPost }

// open tells whether a route is for those who are not known yet.
func (r route) open() bool { return r.path == "/login" || strings.HasPrefix(r.path, "/asset/") }

// endless tells whether an answer goes on until the caller is gone.
func (r route) endless() bool { return r.path == "/live" || r.path == "/api/v1/tail" }

// ofType is the type of the body that a route takes.
func (r route) ofType() string {
	if r.api() {
		return jsonType
	}
	return formType
}

// each calls fn for every route, one after the other.
func (s *site) each(fn func(r route)) {
	s.t.Helper()
	if len(s.routes) < 40 {
		s.t.Fatalf("there are only %d routes", len(s.routes))
	}
	for _, pattern := range s.routes {
		method, path, _ := strings.Cut(pattern, " ")
		fn(route{method, strings.NewReplacer("{$}", "", "{name}", "live.js").Replace(path)})
	}
}

// try sends a request that goes to a route; header are names and values in turn.
func (s *site) try(r route, body string, header ...string) (reply, string) {
	s.t.Helper()
	if r.changes() {
		header = append([]string{"Content-Type", r.ofType(), "Origin", s.url}, header...)
	}
	return s.ask(r, body, header...)
}

// ask is send without a network: a server that has read enough of a body may
// close the connection while the rest is still being sent.
func (s *site) ask(r route, body string, header ...string) (reply, string) {
	s.t.Helper()
	req := httptest.NewRequestWithContext(s.t.Context(), r.method, s.url+r.path, strings.NewReader(body))
	for _, c := range s.client.Jar.Cookies(req.URL) {
		req.AddCookie(c)
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.pages.ServeHTTP(w, req)
	return reply{w.Code, w.Header()}, w.Body.String()
}

func TestEveryRouteIsFramedAndFenced(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	check := func(r route) {
		if r.endless() {
			return
		}
		got, _ := s.try(r, "{}")
		h := got.Header
		csp := h.Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "frame-ancestors 'none'", "script-src 'self'", "form-action 'self'", "base-uri 'none'"} {
			if !strings.Contains(csp, want) {
				t.Errorf("%s: the policy %q lacks %s", r, csp, want)
			}
		}
		if strings.Contains(csp, "unsafe") || strings.Contains(csp, "http") || strings.Contains(csp, "*") {
			t.Errorf("%s: the policy is too wide: %s", r, csp)
		}
		for name, want := range map[string]string{
			"X-Frame-Options": "DENY", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin", "Access-Control-Allow-Origin": "",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s is %q, want %q", r, name, h.Get(name), want)
			}
		}
		if cache := h.Get("Cache-Control"); cache != "no-store" && !strings.HasPrefix(r.path, "/asset/") {
			t.Errorf("%s: Cache-Control is %q", r, cache)
		}
		if got.StatusCode >= 500 {
			t.Errorf("%s: %d", r, got.StatusCode)
		}
	}
	s.each(check)
	for _, path := range []string{"/nothing", "/do/nothing", "/api/v1/nothing", "/asset/nothing", "/api"} {
		check(route{"GET", path})
	}
}

// Without the token, no route answers but those that ask for it.
func TestEveryRouteAsksForTheToken(t *testing.T) {
	t.Parallel()
	s := newSite(t, token(secret))
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.each(func(r route) {
		want := http.StatusSeeOther
		switch {
		case r.path == "/login" && r.changes():
			want = http.StatusUnauthorized
		case r.open():
			want = http.StatusOK
		case r.api() || r.changes() || r.endless():
			want = http.StatusUnauthorized
		}
		for _, header := range [][]string{nil, {"Authorization", "Bearer wrong"}, {"Cookie", "talix_console=AAAAAAAAAAAAAAAAAAAAAAAAAA"}, {"Authorization", "Bearer "}} {
			if got, body := s.try(r, "{}", header...); got.StatusCode != want || strings.Contains(body, "account") {
				t.Errorf("%s with %v: %d, want %d: %.200s", r, header, got.StatusCode, want, body)
			}
		}
	})
	if strings.Contains(s.log.String(), `"outcome":"done"`) {
		t.Errorf("something was done: %s", s.log)
	}
}

// Where there is no token, no name that someone else controls leads here.
func TestEveryRouteKnowsItsHosts(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.each(func(r route) {
		for _, host := range []string{"evil.example", "127.0.0.1.evil.example:80", "10.0.0.7"} {
			if got, body := s.try(r, "{}", "Host", host); got.StatusCode != http.StatusMisdirectedRequest {
				t.Errorf("%s of %s: %d %.100s", r, host, got.StatusCode, body)
			}
		}
	})
}

// No page of another site can have anything done, and no form of it can be sent
// without its token.
func TestEveryChangeIsAskedForHere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.page("/") // gives the browser its cookie
	tries := 0
	s.each(func(r route) {
		if !r.changes() {
			return
		}
		tries++
		for name, header := range map[string][]string{
			"another origin": {"Origin", "https://evil.example"}, "no origin": {"Origin", "null"}, "our host at another port": {"Origin", "http://127.0.0.1:1"},
			"cross-site": {"Origin", "", "Sec-Fetch-Site", "cross-site"}, "same-site": {"Origin", "", "Sec-Fetch-Site", "same-site"},
		} {
			if got, body := s.try(r, "{}", header...); got.StatusCode != http.StatusForbidden {
				t.Errorf("%s, %s: %d %.100s", r, name, got.StatusCode, body)
			}
		}
		for _, kind := range []string{formType, "text/plain", "multipart/form-data; boundary=x", ""} {
			want := http.StatusForbidden // there is no token of a form
			switch {
			case r.api():
				want = http.StatusUnsupportedMediaType
			case r.path == "/login":
				want = http.StatusUnauthorized // it does nothing but ask for the token
			}
			if got, body := s.try(r, "id=x", "Content-Type", kind); got.StatusCode != want {
				t.Errorf("%s as %q: %d, want %d: %.100s", r, kind, got.StatusCode, want, body)
			}
		}
	})
	if strings.Contains(s.log.String(), `"outcome":"done"`) || tries < 20 {
		t.Errorf("%d routes; something was done: %s", tries, s.log)
	}
}

// A route answers to its own method only, so that no link or picture changes
// anything.
func TestEveryRouteHasItsMethod(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.page("/")
	known := map[route]bool{}
	s.each(func(r route) { known[r] = true })
	s.each(func(r route) {
		for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
			if other := (route{method, r.path}); !known[other] {
				if got, _ := s.try(other, "{}"); got.StatusCode < 400 {
					t.Errorf("%s: %d", other, got.StatusCode)
				}
			}
		}
	})
	if strings.Contains(s.log.String(), "audit") && strings.Contains(s.log.String(), `"outcome":"done"`) {
		t.Errorf("something was done: %s", s.log)
	}
}

// What only reads is not a change, though it is sent by POST.
var readers = map[string]bool{"/api/v1/sql": true, "/api/v1/run": true, "/api/v1/preview": true, "/run/form": true, "/login": true, "/logout": true, "/reveal": true}

// With --admin-read-only no route changes anything.
func TestEveryChangeIsRefusedToReaders(t *testing.T) {
	t.Parallel()
	s := newSite(t, readOnly)
	key := formKey.FindStringSubmatch(s.page("/run/form?kind=query&name=get-account"))[1]
	tries := 0
	s.each(func(r route) {
		if !r.changes() || readers[r.path] || strings.HasPrefix(r.path, "/api/v1/reveal/") {
			return
		}
		tries++
		if r.api() {
			if got, body := s.try(r, "{}"); got.StatusCode != http.StatusForbidden || !strings.Contains(body, "--admin-read-only") {
				t.Errorf("%s: %d %s", r, got.StatusCode, body)
			}
			return
		}
		_, body := s.send(r.method, r.path, values("form", key, "back", "/work", "id", "x", "name", "accounts"), "Content-Type", formType, "Origin", s.url)
		if !strings.Contains(body, "--admin-read-only") {
			t.Errorf("%s: %s", r, body)
		}
	})
	if strings.Contains(s.log.String(), `"outcome":"done"`) || tries < 20 {
		t.Errorf("%d routes; something was done: %s", tries, s.log)
	}
}

// Nothing that is sent can be too large, too deep or too odd.
func TestEveryRouteBearsAnything(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.page("/")
	large, deep := strings.Repeat("x", 1<<20+1), strings.Repeat("[", 20_000)
	long := strings.Repeat("%F0%9F%A6%8A", 2000)
	s.each(func(r route) {
		if r.endless() {
			return
		}
		if !r.changes() {
			for _, query := range []string{"?type=" + long, "?id=" + long, "?q=" + long, "?cursor=" + long, "?v=99999999999999999999", "?a;b&%zz", "?type=%00&id=%00&name=%ff"} {
				if got, body := s.try(route{r.method, r.path + query}, ""); got.StatusCode >= 500 {
					t.Errorf("%s%.20s: %d %.200s", r, query, got.StatusCode, body)
				}
			}
			return
		}
		body := "id=" + large
		if r.api() {
			body = `{"id":"` + large + `"}`
		}
		if got, answer := s.try(r, body); got.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s with %d bytes: %d %.100s", r, len(body), got.StatusCode, answer)
		}
		for _, odd := range []string{"", "null", "[]", `"x"`, "{", `{"id":1}`, "\x00", deep, `{"nothing":1}`, `{"id":` + deep} {
			if got, answer := s.try(r, odd); got.StatusCode >= 500 || got.StatusCode == http.StatusOK && !strings.Contains(odd, "null") && r.api() && odd != "" {
				t.Errorf("%s with %.20q: %d %.100s", r, odd, got.StatusCode, answer)
			}
		}
	})
}

// Paths that lead out and in again get around nothing.
func TestPathTricks(t *testing.T) {
	t.Parallel()
	s := newSite(t, token(secret))
	s.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	tries := func(r route) {
		got, body := s.send(r.method, r.path, "{}", "Content-Type", r.ofType(), "Origin", s.url)
		if got.StatusCode < 300 || got.StatusCode >= 500 || strings.Contains(body, "{{") || strings.Contains(body, "account") {
			t.Errorf("%s: %d %.200s", r, got.StatusCode, body)
		}
		if to := got.Header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
			t.Errorf("%s leads to %s", r, to)
		}
	}
	s.each(func(r route) {
		if r.open() || r.path == "/" {
			return
		}
		for _, around := range []string{"/asset/..", "/asset/..%2f..", "/asset/%2e%2e", "/login/..", "/api/v1/..%2f..", "/api/..", "/asset/.", "//evil.example/..", "/%2e", `/%5c`, "/asset/%00/.."} {
			tries(route{r.method, around + r.path})
		}
	})
	for _, path := range []string{
		"/asset/..%2fpage%2fframe.html", "/asset/%2e%2e%2fpage%2fframe.html", "/asset/..", "/asset/.", "/asset/..%5cpage%5cframe.html", "/asset/page%2fframe.html",
		"/asset/%2fetc%2fpasswd", "//evil.example/", "/..//evil.example/%2e%2e", "/asset/", "/asset", "/asset/style.css/",
	} {
		tries(route{"GET", path})
	}
	if strings.Contains(s.log.String(), "audit") {
		t.Errorf("something was done: %s", s.log)
	}
}
