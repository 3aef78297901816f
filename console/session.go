package console

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix"
)

// The bounds of sessions.
const (
	sessionLasts = 12 * time.Hour
	maxSessions  = 1000
)

// sessions are those who signed in, by the digest of what their cookie says.
type sessions struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[[32]byte]time.Time
}

func (s *sessions) begin() string {
	visitor := rand.Text()
	s.mu.Lock()
	defer s.mu.Unlock()
	var oldest [32]byte
	for id, until := range s.until {
		if until.Before(s.now()) {
			delete(s.until, id)
		} else if o, ok := s.until[oldest]; !ok || until.Before(o) {
			oldest = id
		}
	}
	if len(s.until) >= maxSessions {
		delete(s.until, oldest)
	}
	s.until[sha256.Sum256([]byte(visitor))] = s.now().Add(sessionLasts)
	return visitor
}

func (s *sessions) knows(visitor string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[sha256.Sum256([]byte(visitor))]
	return ok && s.now().Before(until)
}

func (s *sessions) end(visitor string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.until, sha256.Sum256([]byte(visitor)))
}

// visitorCookie names a browser: one that has signed in, or where there is no
// token any one of this machine.
const visitorCookie = "talix_console"

func visitorOf(r *http.Request) string {
	c, err := r.Cookie(visitorCookie)
	if err != nil {
		return ""
	}
	return c.Value
}

func setVisitor(w http.ResponseWriter, r *http.Request, visitor string, lasts time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: visitorCookie, Value: visitor, Path: "/", MaxAge: int(lasts.Seconds()),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil,
	})
}

// formToken is what the forms of a visitor carry: no other site can know it.
func (g *guard) formToken(visitor string) string {
	mac := hmac.New(sha256.New, g.key[:])
	mac.Write([]byte(visitor))
	return hex.EncodeToString(mac.Sum(nil))
}

// maxForm bounds the body of a form, in bytes.
const maxForm = 1 << 20

// checkForm looks for the form's token in what is sent from a page.
func (g *guard) checkForm(w http.ResponseWriter, r *http.Request, visitor string) error {
	if safe(r) || isAPI(r) {
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return unreadable(err)
	}
	if r.URL.Path == "/login" { // there is no session that it could misuse
		return nil
	}
	if visitor == "" || !hmac.Equal([]byte(g.formToken(visitor)), []byte(r.PostForm.Get("form"))) {
		return talix.Reject("this form is out of date: open the page again").WithStatus(http.StatusForbidden)
	}
	return nil
}

func unreadable(err error) error {
	status := http.StatusBadRequest
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		status = http.StatusRequestEntityTooLarge
	}
	return talix.Reject("the form cannot be read: %w", err).WithStatus(status)
}

// loginForm asks for the token.
func (c *Console) loginForm(w http.ResponseWriter, r *http.Request) {
	c.render(w, r, http.StatusOK, view{page: "login", title: "Sign in", Data: backTo(r.URL.Query().Get("next"))})
}

func (c *Console) login(w http.ResponseWriter, r *http.Request) {
	next := backTo(r.PostForm.Get("next"))
	if !c.guard.is(r.PostForm.Get("token")) {
		c.log.Warn("audit", "what", "sign in", "who", r.RemoteAddr, "outcome", "refused")
		c.render(w, r, http.StatusUnauthorized, view{page: "login", title: "Sign in", Error: "That is not the token.", Data: next})
		return
	}
	c.log.Info("audit", "what", "sign in", "who", r.RemoteAddr, "outcome", "done")
	setVisitor(w, r, c.guard.sessions.begin(), sessionLasts)
	http.Redirect(w, r, next, http.StatusSeeOther)
}

func (c *Console) logout(w http.ResponseWriter, r *http.Request) {
	c.guard.sessions.end(visitorOf(r))
	setVisitor(w, r, "", -time.Second)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}

// backTo is a path of this console to go on with; others lead to its start.
func backTo(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}
