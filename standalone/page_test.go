package standalone_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/runtime"
)

// figures is a plugin that shows operators something.
type figures struct{}

var _ runtime.Page = figures{}

func (figures) Name() string { return "figures" }

func (figures) Report(context.Context, talix.Report) {}

func (figures) Page(rt *runtime.Runtime) (string, http.Handler, error) {
	return "GET /figures/{name}", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'") // its own, in the place of the usual one
		w.Header().Set("X-Own", "1")
		fmt.Fprintf(w, "%s: %d", r.PathValue("name"), rt.Stats().Live)
	}), nil
}

// ask asks for a page under a host, with a token.
func ask(t *testing.T, url, host, token string) int {
	t.Helper()
	status, _ := headers(t, url, host, token)
	return status
}

// headers is ask that tells the headers too.
func headers(t *testing.T, url, host, token string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	w, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Body.Close()
	return w.StatusCode, w.Header
}

// What a plugin shows to operators is on the admin listener, beside the console,
// for requests under a loopback address.
func TestPage(t *testing.T) {
	t.Parallel()
	r := start(t, program(t, t.TempDir(), "memory"), account.Service, talix.Use(figures{}))
	fetch(t, "POST", r.listen+"/accounts/a/deposits", `{"amount":5}`)
	if code, body := fetch(t, "GET", r.admin+"/figures/live", ""); code != http.StatusOK || body != "live: 1" {
		t.Errorf("%d %s", code, body)
	}
	for host, want := range map[string]int{"localhost": 200, "localhost:1": 200, "127.0.0.1": 200, "evil.example": 401, "evil.example:8081": 401} {
		if got := ask(t, r.admin+"/figures/live", host, ""); got != want {
			t.Errorf("under %s: %d", host, got)
		}
	}
	if code, _ := fetch(t, "GET", r.admin+"/entities", ""); code != http.StatusOK {
		t.Errorf("the console answers %d", code)
	}
	r.end(t)
}

// What plugins show has the console's origin: no other site frames or reads it,
// whether it is shown or refused.
func TestHeadersOfPages(t *testing.T) {
	t.Parallel()
	r := start(t, program(t, t.TempDir(), "memory"), account.Service, talix.Use(figures{}))
	for host, want := range map[string]int{"localhost": 200, "evil.example": 401} {
		status, h := headers(t, r.admin+"/figures/live", host, "")
		if status != want || h.Get("X-Own") != map[int]string{200: "1"}[status] {
			t.Errorf("under %s: %d %v", host, status, h)
		}
		for name, value := range map[string]string{
			"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store",
		} {
			if h.Get(name) != value {
				t.Errorf("under %s: %s is %q", host, name, h.Get(name))
			}
		}
		policy := map[int]string{200: "default-src 'none'", 401: "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"}
		if got := h.Get("Content-Security-Policy"); got != policy[status] {
			t.Errorf("under %s: the policy is %q", host, got)
		}
		for name := range h {
			if strings.HasPrefix(name, "Access-Control-") {
				t.Errorf("under %s: other sites may read it: %s", host, name)
			}
		}
	}
	r.end(t)
}

func TestPageWithAToken(t *testing.T) {
	t.Parallel()
	app := program(t, t.TempDir(), "memory")
	app.AdminToken = "0123456789abcdef"
	r := start(t, app, account.Service, talix.Use(figures{}))
	for token, want := range map[string]int{"": 401, "0123456789abcdeX": 401, app.AdminToken: 200} {
		if got := ask(t, r.admin+"/figures/live", "", token); got != want {
			t.Errorf("with %q: %d", token, got)
		}
	}
	r.end(t)
}
