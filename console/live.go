package console

import (
	"fmt"
	"net/http"
	"time"
)

// The bounds of pages that are kept up.
const (
	maxLives  = 64
	liveEvery = 2 * time.Second
)

// live tells a page again and again that it can look for what is new, by
// server-sent events, until the page is closed or the console is.
func (c *Console) live(w http.ResponseWriter, r *http.Request) {
	select {
	case c.lives <- struct{}{}:
		defer func() { <-c.lives }()
	default:
		http.Error(w, "too many pages are open", http.StatusTooManyRequests)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	out := http.NewResponseController(w)
	tick := time.NewTicker(liveEvery)
	defer tick.Stop()
	for {
		if _, err := fmt.Fprintf(w, "event: tick\ndata: %d\n\n", c.api.Seq()); err != nil || out.Flush() != nil {
			return
		}
		select {
		case <-tick.C:
		case <-c.ending:
			return
		case <-r.Context().Done():
			return
		}
	}
}
