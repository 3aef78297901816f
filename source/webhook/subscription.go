package webhook

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"github.com/talix-dev/talix/source"
)

// deliverFunc is what Receive was given.
type deliverFunc = func(context.Context, source.Message) error

// Subscription is a source.Source of an endpoint's messages.
type Subscription struct {
	endpoint *Endpoint
	match    func(source.Message) bool

	mu       sync.Mutex
	deliver  deliverFunc // nil: nobody receives
	underWay sync.WaitGroup
}

var _ source.Source = (*Subscription)(nil)

// Mount is where the endpoint's requests come in, and the handler for them.
// Subscriptions of one endpoint have the same handler, which is mounted once.
func (s *Subscription) Mount() (pattern string, handler http.Handler) {
	return s.endpoint.Pattern(), s.endpoint
}

// Pattern is where the endpoint's requests come in.
func (s *Subscription) Pattern() string { return s.endpoint.Pattern() }

// ServeHTTP is the endpoint's.
func (s *Subscription) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.endpoint.ServeHTTP(w, r) }

// errTwice: a subscription is received by one at a time.
var errTwice = errors.New("the webhook's subscription is being received already")

// Receive implements source.Source. The requests come in by ServeHTTP.
func (s *Subscription) Receive(ctx context.Context, deliver deliverFunc) error {
	s.mu.Lock()
	if s.deliver != nil {
		s.mu.Unlock()
		return errTwice
	}
	s.deliver = deliver
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.deliver = nil
	s.mu.Unlock()
	s.underWay.Wait()
	return nil
}

// errNobody: the message will be sent again, when somebody receives.
var errNobody = errors.New("nobody receives yet")

// hand hands a message to whoever receives.
func (s *Subscription) hand(ctx context.Context, m source.Message) error {
	s.mu.Lock()
	deliver := s.deliver
	if deliver != nil {
		s.underWay.Add(1)
	}
	s.mu.Unlock()
	if deliver == nil {
		return errNobody
	}
	defer s.underWay.Done()
	return deliver(ctx, m)
}
