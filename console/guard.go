package console

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

// guard decides who is answered.
type guard struct {
	token    string
	asks     func(*http.Request) (who string, err error) // instead of a token; may be nil
	key      [32]byte                                    // of this process, for what forms carry
	sessions sessions
	cross    *http.CrossOriginProtection
}

func newGuard(c Config) *guard {
	g := &guard{token: c.Token, asks: c.Authorize, cross: http.NewCrossOriginProtection(), sessions: sessions{now: c.Now, until: map[[32]byte]time.Time{}}}
	if g.asks != nil {
		g.token = ""
	}
	rand.Read(g.key[:]) // never fails
	return g
}

// policy lets pages use what they came with, and nothing else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

func secure(h http.Header) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// errLogin: the caller is not known.
var errLogin = errors.New("sign in with the token")

// admit lets a request pass, or says why not. The request that it returns knows
// who calls.
func (g *guard) admit(w http.ResponseWriter, r *http.Request) (*http.Request, error) {
	if g.token == "" && g.asks == nil && !local(r.Host) {
		return r, talix.Reject("the console answers under 127.0.0.1 and localhost only, not %q: set --admin-token to serve it elsewhere", r.Host).
			WithStatus(http.StatusMisdirectedRequest)
	}
	if !safe(r) {
		if err := g.cross.Check(r); err != nil {
			return r, talix.Reject("another site sent this: %w", err).WithStatus(http.StatusForbidden)
		}
	}
	who, visitor, err := g.who(w, r)
	switch {
	case open(r):
	case err != nil:
		return r, err
	case who == "":
		return r, errLogin
	}
	ctx := context.WithValue(api.WithActor(r.Context(), who+clientOf(r)), visitorKey{}, visitor)
	r = r.WithContext(ctx)
	if err := g.checkForm(w, r, visitor); err != nil {
		return r, err
	}
	return r, nil
}

// local tells whether a Host names this machine by a loopback address. Others
// may lead here through a name that someone else controls.
func local(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

func safe(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

// open tells whether a request is answered to all.
func open(r *http.Request) bool {
	return r.URL.Path == "/login" || strings.HasPrefix(r.URL.Path, "/asset/")
}

// clientOf is what a program that calls says it is, for audit events: a word, or
// nothing.
func clientOf(r *http.Request) string {
	name := r.Header.Get("Talix-Client")
	odd := func(c rune) bool { return c != '-' && (c < 'a' || c > 'z') }
	if name == "" || len(name) > 32 || strings.ContainsFunc(name, odd) {
		return ""
	}
	return " by " + name
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

type visitorKey struct{}

// who names the caller, and the visitor that forms belong to. Empty: not known.
func (g *guard) who(w http.ResponseWriter, r *http.Request) (who, visitor string, err error) {
	if g.asks != nil {
		if who, err = g.asks(r); err != nil {
			return "", "", talix.Reject("you may not come in: %w", err).WithStatus(http.StatusForbidden)
		}
		return who + " from " + r.RemoteAddr, g.visitor(w, r), nil
	}
	if text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && isAPI(r) && g.token != "" {
		if g.is(text) {
			return "bearer from " + r.RemoteAddr, "", nil
		}
		return "", "", nil
	}
	if g.token == "" {
		return "local " + r.RemoteAddr, g.visitor(w, r), nil
	}
	if visitor = visitorOf(r); visitor == "" || !g.sessions.knows(visitor) {
		return "", "", nil
	}
	return "session from " + r.RemoteAddr, visitor, nil
}

// visitor names a browser that need not sign in here.
func (g *guard) visitor(w http.ResponseWriter, r *http.Request) string {
	visitor := visitorOf(r)
	if visitor == "" && !isAPI(r) && !open(r) {
		visitor = rand.Text()
		setVisitor(w, r, visitor, 0)
	}
	return visitor
}

// is compares a token in the same time, however much of it is right.
func (g *guard) is(text string) bool {
	a, b := sha256.Sum256([]byte(text)), sha256.Sum256([]byte(g.token))
	return g.token != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
