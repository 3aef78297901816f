package webhook

// Receiving tells whether Receive has begun and has not ended.
func (s *Subscription) Receiving() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.deliver != nil
}
