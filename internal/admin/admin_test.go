package admin_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/talix-dev/talix/internal/admin"
)

func client(t *testing.T, token string, h http.HandlerFunc) *admin.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	c, err := admin.New(server.URL+"/", token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAddresses(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"127.0.0.1:8081":           "http://127.0.0.1:8081",
		":8081":                    "http://127.0.0.1:8081",
		"0.0.0.0:9000":             "http://127.0.0.1:9000",
		"[::]:9000":                "http://127.0.0.1:9000",
		"https://c.example/talix/": "https://c.example/talix",
		"http://c.example":         "http://c.example",
	} {
		if c, err := admin.New(address, ""); err != nil || c.URL() != want {
			t.Errorf("%q: %v, %v", address, c, err)
		}
	}
	for _, address := range []string{"", "ftp://x", "http://", "http://me:secret@x", "http://x?y=1", "a b"} {
		if _, err := admin.New(address, ""); err == nil || !strings.Contains(err.Error(), "write one as in") {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestGetAndPost(t *testing.T) {
	t.Parallel()
	c := client(t, "secret", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `["%s %s %s %s"]`, r.Method, r.URL, r.Header.Get("Authorization"), r.Header.Get("Content-Type"))
	})
	got, err := c.Get(t.Context(), "entities", url.Values{"type": {"a b"}})
	if want := `["GET /api/v1/entities?type=a+b Bearer secret "]`; string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
	got, err = c.Post(t.Context(), "run", struct{}{})
	if want := `["POST /api/v1/run Bearer secret application/json"]`; string(got) != want || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}

// Each failure says what to do.
func TestFailures(t *testing.T) {
	t.Parallel()
	problem := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/problem+json")
			if !strings.Contains(body, "detail") {
				w.Header().Set("WWW-Authenticate", "Bearer")
			}
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	for name, test := range map[string]struct {
		token  string
		answer http.HandlerFunc
		want   string
	}{
		"no token":    {"", problem(401, `{"code":"rejected"}`), "asks for a token: pass that of its --admin-token in TALIX_ADMIN_TOKEN"},
		"wrong token": {"xyz", problem(401, `{"code":"rejected"}`), "does not know this token"},
		"its own":     {"", problem(401, `{"code":"rejected","detail":"show your badge"}`), "show your badge (rejected)"},
		"read only":   {"", problem(403, `{"code":"rejected","detail":"this console only reads"}`), "this console only reads (rejected)"},
		"fields":      {"", problem(422, `{"code":"invalid","detail":"it is not valid","errors":[{"location":"a.b","message":"is missing"}]}`), "it is not valid: a.b is missing (invalid)"},
		"no detail":   {"", problem(404, `{"code":"not_found","title":"Not Found"}`), "Not Found (not_found)"},
		"other":       {"", http.NotFound, "is no console of a talix program"},
		"page":        {"", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, "is no console of a talix program"},
		"elsewhere":   {"", http.RedirectHandler("/login", http.StatusFound).ServeHTTP, "302 Found"},
	} {
		_, err := client(t, test.token, test.answer).Get(t.Context(), "health", nil)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "xyz") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1"
	c, err := admin.New(address, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Get(t.Context(), "health", nil); err == nil || !strings.Contains(err.Error(), "no program answers at http://"+address+": start it") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, "health", nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestStream(t *testing.T) {
	t.Parallel()
	const ends = "id: 3\nevent: end\ndata: {\"code\":\"unavailable\",\"detail\":\"the program ends\"}\n\n"
	c := client(t, "", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "id: 1\nevent: begin\ndata: %q\n\nevent: event\ndata: {}\n\n", r.Header.Get("Last-Event-ID"))
		if r.URL.Query().Has("end") {
			fmt.Fprint(w, ends)
		}
		fmt.Fprint(w, "id: 9\nevent: half")
	})
	var got []string
	note := func(e admin.Event) error {
		got = append(got, fmt.Sprintf("%s %s %s", e.ID, e.Kind, e.Data))
		return nil
	}
	if err := c.Stream(t.Context(), "tail", nil, "7.1", note); !errors.Is(err, admin.ErrCut) {
		t.Error(err)
	}
	if want := `[1 begin "7.1"  event {}]`; fmt.Sprint(got) != want {
		t.Errorf("%v", got)
	}
	err := c.Stream(t.Context(), "tail", url.Values{"end": {"1"}}, "", note)
	if p, ok := errors.AsType[*admin.Problem](err); !ok || p.Code != "unavailable" {
		t.Error(err)
	}
	enough := errors.New("enough")
	if err := c.Stream(t.Context(), "tail", nil, "", func(admin.Event) error { return enough }); !errors.Is(err, enough) {
		t.Error(err)
	}
}
