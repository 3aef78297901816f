package live

import "github.com/talix-dev/talix/internal/registry"

// Reset ends all feeds and forgets what they know: those who watch may come back
// at once, and get the present rows.
func (h *Hub) Reset() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, f := range h.feeds {
		h.forget(f)
		f.end(registry.Faultf(registry.Unavailable, "what was watched is made anew; come back"))
		f.cancel()
	}
}
