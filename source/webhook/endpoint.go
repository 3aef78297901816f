// Package webhook receives what outside systems tell by HTTP requests: signed,
// answered only when it is kept, and told apart by its delivery id.
//
// A definition names an endpoint, and the program says where it is put together
// what the endpoint is:
//
//	var OnPayment = talix.On("book-payment", webhook.On[Payment]("stripe"),
//		func(ctx talix.ActionContext, p Payment) error { … })
//
//	stripe, err := webhook.New(webhook.Config{
//		Path: "/hooks/stripe", Scheme: webhook.Stripe(), Secrets: []string{os.Getenv("STRIPE_SECRET")},
//	})
//	talix.Provide(webhook.Endpoints{"stripe": stripe})
//
// # Answers
//
// 2xx: every action that is interested has the message, durably. A delivery
// that comes again is answered the same and has its effect once. 401: the
// signature is wrong, or too old. 400: the request cannot be read, and sending
// it again is pointless. 413: the body is too large. 503 with Retry-After: it
// could not be kept, or nobody receives yet; the sender sends it again. Errors
// are application/problem+json.
//
// # In production
//
// Serve it over https: a proxy in front does that. Keep two secrets while you
// change them. A scheme that signs no time cannot tell a copied request from
// the first one but by its id.
package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/talix-dev/talix/source"
)

// Config of an Endpoint.
type Config struct {
	// Path of the endpoint, as in "/hooks/stripe". Requests are POST.
	Path string
	// Secrets with which requests may be signed: the present one, and while it
	// is being changed the next or the last one too.
	Secrets []string
	// Scheme is how requests are signed. Defaults to GitHub().
	Scheme Scheme
	// Unsigned takes requests from whoever can reach the endpoint. Then Secrets
	// and Scheme.Verify must be empty.
	Unsigned bool
	// DeliveryID names deliveries. Defaults to the Scheme's ID.
	DeliveryID ID
	// ReplayWindow is how far the time that was signed may be from the present,
	// where the scheme signs one. Defaults to 5 minutes.
	ReplayWindow time.Duration
	// MaxBody is the largest body, in bytes. Defaults to 1 MB.
	MaxBody int64
	// Messages makes of a request's message those to deliver, each with an ID of
	// its own; none is fine. An error means that it can't be read. Defaults to
	// the message as it is: the body as its Data, the headers as Attributes with
	// names in small letters.
	Messages func(source.Message) ([]source.Message, error)
	// Now is the clock. Defaults to time.Now.
	Now func() time.Time
}

// Endpoint receives at one path. It is an http.Handler for the requests there.
type Endpoint struct {
	config Config

	mu            sync.Mutex
	subscriptions []*Subscription
	flights       map[string]*flight // by delivery id
}

// New makes an endpoint. It fails if the configuration is not whole, with all
// that is missing.
func New(c Config) (*Endpoint, error) {
	if c.Scheme.Verify == nil && !c.Unsigned {
		c.Scheme = withID(GitHub(), c.Scheme.ID)
	}
	if c.DeliveryID == nil {
		c.DeliveryID = c.Scheme.ID
	}
	if c.ReplayWindow <= 0 {
		c.ReplayWindow = 5 * time.Minute
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 1 << 20
	}
	if c.Messages == nil {
		c.Messages = func(m source.Message) ([]source.Message, error) { return []source.Message{m}, nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("webhook %s: %w", c.Path, err)
	}
	return &Endpoint{config: c, flights: map[string]*flight{}}, nil
}

func withID(s Scheme, id ID) Scheme {
	if id != nil {
		s.ID = id
	}
	return s
}

func (c Config) check() error {
	var faults []error
	fault := func(is bool, text string) {
		if is {
			faults = append(faults, errors.New(text))
		}
	}
	signs := len(c.Secrets) > 0
	fault(!strings.HasPrefix(c.Path, "/") || strings.ContainsAny(c.Path, "{} "), `Path must begin with "/" and have no blanks or braces, as in "/hooks/stripe"`)
	fault(!signs && !c.Unsigned, "it has no Secrets: give one, or set Unsigned if anybody may call it")
	fault(c.Unsigned && (signs || c.Scheme.Verify != nil), "Unsigned and Secrets or a Scheme exclude each other: remove one")
	for _, s := range c.Secrets {
		fault(s == "", "one of the Secrets is empty: is an environment variable missing?")
	}
	fault(c.DeliveryID == nil, "nothing names its deliveries: set DeliveryID, as in webhook.Header(\"X-Request-Id\")")
	return errors.Join(faults...)
}

// Pattern is where requests come in, as in "POST /hooks/stripe".
func (e *Endpoint) Pattern() string { return http.MethodPost + " " + e.config.Path }

// Subscribe adds a source for those messages that match accepts, or for all if
// it is nil. Each message goes to every subscription that accepts it, and is
// acknowledged when all have it.
func (e *Endpoint) Subscribe(match func(source.Message) bool) *Subscription {
	if match == nil {
		match = func(source.Message) bool { return true }
	}
	s := &Subscription{endpoint: e, match: match}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.subscriptions = append(e.subscriptions, s)
	return s
}
