package standalone_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/standalone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func parse(args []string, env map[string]string) (*standalone.App, error) {
	flags := flag.NewFlagSet("program", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	return standalone.Parse(flags, args, func(name string) string { return env[name] })
}

func TestFlags(t *testing.T) {
	t.Parallel()
	app, err := parse([]string{"--listen", ":1", "--store=memory"}, map[string]string{"TALIX_LISTEN": ":2", "TALIX_ADMIN": "[::1]:3", "TALIX_DATA": "there"})
	if err != nil {
		t.Fatal(err)
	}
	if app.Listen != ":1" || app.Admin != "[::1]:3" || app.Data != "there" || app.Store != "memory" {
		t.Errorf("%+v", app)
	}
	if got, want := app.Path("files", "a"), filepath.Join("there", "files", "a"); got != want {
		t.Errorf("path %s, want %s", got, want)
	}
}

func TestBadFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want string // what the message says of the mend
	}{
		{[]string{"--listen", "8080"}, "host:port"},
		{[]string{"--admin", "x:"}, "host:port"},
		{[]string{"--admin", "10.0.0.1:8081", "--admin-token", "short"}, "at least 16"},
		{[]string{"--data", ""}, "--data is empty"},
		{[]string{"--store", "mysql"}, "allowed are sqlite, memory"},
		{[]string{"--store", "mysql://db"}, "allowed are sqlite, memory"},
		{[]string{"--store", "postgres://"}, "postgres://user:password@host:5432/name"},
		{[]string{"--store", "postgres://u:a%b@db/name"}, "%xx"},
		{[]string{"--cluster-key", "k"}, "--advertise"},
		{[]string{"--advertise", "10.0.0.7:8082", "--cluster-key", "k"}, "--store postgres://"},
		{[]string{"--advertise", "10.0.0.7:8082", "--store", "postgres://db/name"}, "--cluster-key is empty"},
		{[]string{"--cluster-ca", "ca.pem"}, "--advertise"},
		{[]string{"--advertise", "10.0.0.7:8082", "--store", "postgres://db/name", "--cluster-cert", "node.pem", "--cluster-ca", "ca.pem"}, "go together"},
		{[]string{"--advertise", ":8082", "--cluster-key", "k", "--store", "postgres://db/name"}, "10.0.0.7:8082"},
		{[]string{"--advertise", "x:1", "--cluster-listen", "8082", "--cluster-key", "k", "--store", "postgres://db/name"}, "--cluster-listen"},
		{[]string{"serve"}, "flags only"},
		{[]string{"--nonsense"}, "nonsense"},
	} {
		if _, err := parse(test.args, nil); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, which does not say %q", test.args, err, test.want)
		}
	}
}

// running is a program in this process.
type running struct {
	listen, admin string
	stop          context.CancelFunc
	ended         chan error
}

func start(t *testing.T, app *standalone.App, parts ...talix.Part) running {
	t.Helper()
	lines, out := io.Pipe()
	app.Out, app.Log = out, slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(t.Context())
	r := running{stop: cancel, ended: make(chan error, 1)}
	go func() {
		r.ended <- app.Run(ctx, parts...)
		out.Close()
	}()
	scan := bufio.NewScanner(lines)
	for _, address := range []*string{&r.listen, &r.admin} {
		if !scan.Scan() {
			t.Fatalf("it ended: %v", <-r.ended)
		}
		_, *address, _ = strings.Cut(scan.Text(), " on ")
	}
	return r
}

func (r running) end(t *testing.T) {
	t.Helper()
	r.stop()
	if err := <-r.ended; err != nil {
		t.Errorf("stop: %v", err)
	}
}

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(data)
}

func program(t *testing.T, data, store string) *standalone.App {
	t.Helper()
	app, err := parse([]string{"--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--data", data, "--store", store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"sqlite", "memory"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			data := t.TempDir()
			for round := range 2 {
				r := start(t, program(t, data, store), account.Service)
				for _, path := range []string{"/healthz", "/readyz"} {
					if code, body := fetch(t, "GET", r.admin+path, ""); code != http.StatusOK {
						t.Errorf("%s: %d %s", path, code, body)
					}
				}
				want := `{"balance":5,"version":1}`
				if store == "sqlite" && round == 1 {
					want = `{"balance":10,"version":2}`
				}
				if code, body := fetch(t, "POST", r.listen+"/accounts/a/deposits", `{"amount":5}`); code != http.StatusOK || strings.TrimSpace(body) != want {
					t.Errorf("deposit: %d %s, want %s", code, body, want)
				}
				if code, body := fetch(t, "GET", r.listen+"/openapi.json", ""); code != http.StatusOK || !strings.Contains(body, `"3.1.0"`) {
					t.Errorf("openapi: %d %.80s", code, body)
				}
				r.end(t)
			}
		})
	}
}

// A second program on the same folder is told who has it.
func TestSecondProgram(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	r := start(t, program(t, data, "sqlite"), account.Service)
	err := program(t, data, "sqlite").Run(t.Context(), account.Service)
	if err == nil || !strings.Contains(err.Error(), fmt.Sprint(os.Getpid())) || !strings.Contains(err.Error(), data) {
		t.Errorf("the second one was told: %v", err)
	}
	r.end(t)
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	app := program(t, t.TempDir(), "memory")
	app.Admin, app.Out, app.Log = listener.Addr().String(), io.Discard, slog.New(slog.DiscardHandler)
	if err := app.Run(t.Context(), account.Service); err == nil || !strings.Contains(err.Error(), "--admin") {
		t.Errorf("got %v", err)
	}
}
