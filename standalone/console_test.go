package standalone_test

import (
	"bytes"
	"errors"
	"flag"
	"net/http"
	"strings"
	"testing"

	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/standalone"
)

func TestTokenFromTheEnvironmentStaysThere(t *testing.T) {
	t.Parallel()
	const token = "0123456789abcdef"
	env := map[string]string{"TALIX_ADMIN": ":8081", "TALIX_ADMIN_TOKEN": token, "TALIX_ADMIN_READ_ONLY": "true"}
	app, err := parse(nil, env)
	if err != nil || app.AdminToken != token || !app.AdminReadOnly {
		t.Errorf("%+v, %v", app, err)
	}
	var help bytes.Buffer
	flags := flag.NewFlagSet("program", flag.ContinueOnError)
	flags.SetOutput(&help)
	_, err = standalone.Parse(flags, []string{"--help"}, func(name string) string { return env[name] })
	if !errors.Is(err, flag.ErrHelp) || strings.Contains(help.String(), token) || !strings.Contains(help.String(), "TALIX_ADMIN_TOKEN") {
		t.Errorf("%v\n%s", err, &help)
	}
	env["TALIX_ADMIN_READ_ONLY"] = "perhaps"
	if _, err := parse(nil, env); err == nil || !strings.Contains(err.Error(), "true or false") {
		t.Error(err)
	}
}

// The console is there without a word, stops with the program while a page is
// open, and health checks need no token.
func TestConsole(t *testing.T) {
	t.Parallel()
	r := start(t, program(t, t.TempDir(), "sqlite"), account.Service)
	fetch(t, "POST", r.listen+"/accounts/a/deposits", `{"amount":5}`)
	for path, want := range map[string]string{"/": "account.deposit", "/api/v1/health": `"storeBytes":`, "/entities": ">a<"} {
		if code, body := fetch(t, "GET", r.admin+path, ""); code != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), "GET", r.admin+"/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	r.end(t)
}

func TestConsoleWithAToken(t *testing.T) {
	t.Parallel()
	app := program(t, t.TempDir(), "memory")
	app.AdminToken, app.AdminReadOnly = "0123456789abcdef", true
	r := start(t, app, account.Service)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 200, "/": 303, "/api/v1/health": 401} {
		if code, body := fetch(t, "GET", r.admin+path, ""); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	r.end(t)
}

// Without a token, or another way to tell who may, the console is for this
// machine only: the program does not start.
func TestOpenConsoleIsRefused(t *testing.T) {
	t.Parallel()
	for _, address := range []string{":8081", "0.0.0.0:8081", "10.0.0.1:8081", "[::]:8081", "console.example:8081"} {
		app, err := parse([]string{"--admin", address, "--data", t.TempDir()}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := app.Run(t.Context(), account.Service); err == nil || !strings.Contains(err.Error(), "set --admin-token") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// The program can tell itself who may come in.
func TestConsoleWithItsOwnWay(t *testing.T) {
	t.Parallel()
	app := program(t, t.TempDir(), "memory")
	app.AdminAuthorize = func(r *http.Request) (string, error) {
		if r.URL.Query().Get("as") != "ann" {
			return "", errors.New("ann may")
		}
		return "ann", nil
	}
	r := start(t, app, account.Service)
	for path, want := range map[string]int{"/": 403, "/?as=ann": 200, "/api/v1/health": 403, "/api/v1/health?as=ann": 200, "/healthz": 200} {
		if code, body := fetch(t, "GET", r.admin+path, ""); code != want {
			t.Errorf("%s: %d %s", path, code, body)
		}
	}
	r.end(t)
}
