package proof

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync"
)

// Sink is an outside system that is told of each deposit, and remembers under
// which ids.
type Sink struct {
	mu     sync.Mutex
	events map[string]map[string]int // event → delivery → how often
	owner  map[string]string         // delivery → event
	wrong  []string
}

// NewSink makes a Sink that was told of nothing.
func NewSink() *Sink {
	return &Sink{events: map[string]map[string]int{}, owner: map[string]string{}}
}

// ServeHTTP takes an event and the id of its delivery.
func (s *Sink) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	event, delivery := r.FormValue("event"), r.FormValue("delivery")
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.events[event] == nil {
		s.events[event] = map[string]int{}
	}
	s.events[event][delivery]++
	if other, ok := s.owner[delivery]; ok && other != event && len(s.wrong) < enough {
		s.wrong = append(s.wrong, fmt.Sprintf("the delivery %s told of %s and of %s", delivery, other, event))
	}
	s.owner[delivery] = event
}

// Told is how many deposits it was told of, and how often.
func (s *Sink) Told() (events, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ids := range s.events {
		for _, n := range ids {
			times += n
		}
	}
	return len(s.events), times
}

func (s *Sink) of(event string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.events[event]))
}

func (s *Sink) mixed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.wrong)
}
