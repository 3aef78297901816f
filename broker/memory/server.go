package memory

import (
	"bytes"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/talix-dev/talix/broker"
)

// server is what the brokers of one New and its Connects share.
type server struct {
	mu     sync.Mutex
	topics map[string]*topic
	wake   chan struct{} // closed and made anew at each change
}

// topic is guarded by its server's mu, as are its groups.
type topic struct {
	messages []broker.Message
	groups   map[string]*group
}

func newServer() *server {
	return &server{topics: map[string]*topic{}, wake: make(chan struct{})}
}

// changed wakes the receivers. mu is held.
func (s *server) changed() {
	close(s.wake)
	s.wake = make(chan struct{})
}

// topic is made when it is first named. mu is held.
func (s *server) topic(name string) *topic {
	t := s.topics[name]
	if t == nil {
		t = &topic{groups: map[string]*group{}}
		s.topics[name] = t
	}
	return t
}

func (s *server) publish(name string, messages []broker.Message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.append(name, messages...)
}

// append puts messages at the end of a topic. mu is held.
func (s *server) append(name string, messages ...broker.Message) {
	t := s.topic(name)
	for _, m := range messages {
		m = clone(m)
		if m.ID == "" {
			m.ID = fmt.Sprintf("%s:%d", name, len(t.messages)+1)
		}
		if m.Time.IsZero() {
			m.Time = time.Now()
		}
		for _, g := range t.groups {
			g.waiting = append(g.waiting, len(t.messages))
		}
		t.messages = append(t.messages, m)
	}
	s.changed()
}

func clone(m broker.Message) broker.Message {
	m.Data, m.Attributes = bytes.Clone(m.Data), maps.Clone(m.Attributes)
	return m
}

// group is made when it is first named, and then has every message to come.
func (s *server) group(topicName, name string) *group {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topic(topicName)
	g := t.groups[name]
	if g == nil {
		g = &group{server: s, topic: t, attempts: map[int]int{}, holders: map[string]holder{}}
		for i := range t.messages {
			g.waiting = append(g.waiting, i)
		}
		t.groups[name] = g
	}
	return g
}
