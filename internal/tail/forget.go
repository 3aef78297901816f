package tail

// Forget drops the events in memory: who asks for them reads the log.
func (t *Tail) Forget() {
	for p := range t.rings {
		r := &t.rings[p]
		r.mu.Lock()
		clear(r.events)
		r.events, r.bytes = nil, 0
		r.mu.Unlock()
	}
}
