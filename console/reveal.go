package console

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console/api"
)

// The bounds of what is revealed.
const (
	revealLasts = 10 * time.Minute
	maxReveals  = 1000
	maxSubject  = 16 << 10 // bytes
)

// reveals are what visitors see personal values of, and until when.
type reveals struct {
	now   func() time.Time
	mu    sync.Mutex
	until map[reveal]time.Time
}

type reveal struct{ visitor, subject string }

func (s *reveals) grant(visitor, subject string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	maps.DeleteFunc(s.until, func(_ reveal, until time.Time) bool { return until.Before(now) })
	if len(s.until) < maxReveals {
		s.until[reveal{visitor, subject}] = now.Add(revealLasts)
	}
}

func (s *reveals) has(visitor, subject string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	until, ok := s.until[reveal{visitor, subject}]
	return ok && s.now().Before(until)
}

// reveal shows a visitor the personal values of something for a while.
func (c *Console) reveal(w http.ResponseWriter, r *http.Request) {
	subject := r.PostForm.Get("subject")
	if subject == "" || len(subject) > maxSubject {
		c.fail(w, r, talix.Invalid("subject", "names what is to be revealed"))
		return
	}
	c.api.Reveal(r.Context(), subject)
	c.reveals.grant(visitorOf(r), subject)
	http.Redirect(w, r, backTo(r.PostForm.Get("back")), http.StatusSeeOther)
}

// seeing is the context of calls about a subject: it shows personal values if
// they were revealed.
func (c *Console) seeing(r *http.Request, subject string) context.Context {
	if c.reveals.has(visitorOf(r), subject) {
		return api.Revealing(r.Context())
	}
	return r.Context()
}
