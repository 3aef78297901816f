package process_test

import (
	"testing"

	"github.com/talix-dev/talix/internal/process"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for line, want := range map[string][2]string{
		"listening on http://127.0.0.1:8080":                                           {"http://127.0.0.1:8080", ""},
		"admin on http://127.0.0.1:8081":                                               {"", "http://127.0.0.1:8081"},
		`time=2026-01-02T03:04:05Z level=INFO msg="listening on http://127.0.0.1:80"`:  {"http://127.0.0.1:80", ""},
		`time=2026-01-02T03:04:05Z level=INFO msg="admin listening" addr=127.0.0.1:81`: {"", "http://127.0.0.1:81"},
		`{"level":"INFO","msg":"listening","url":"http://127.0.0.1:80"}`:               {"http://127.0.0.1:80", ""},
		"level=INFO msg=started listen=127.0.0.1:80 admin=127.0.0.1:81":                {"http://127.0.0.1:80", "http://127.0.0.1:81"},
		"Listening on localhost:80, admin on [::1]:81":                                 {"http://localhost:80", "http://[::1]:81"},
		"listening on http://127.0.0.1:0":                                              {"", ""},
		"starting on 127.0.0.1:80":                                                     {"", ""},
		"listening":                                                                    {"", ""},
		"":                                                                             {"", ""},
	} {
		if listen, admin := process.Addresses(line); [2]string{listen, admin} != want {
			t.Errorf("%q: got %q and %q, want %q", line, listen, admin, want)
		}
	}
}
