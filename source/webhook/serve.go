package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/talix-dev/talix/source"
)

// ServeHTTP takes a request. It answers when the message is durable.
func (e *Endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m, p := e.read(w, r)
	if p == nil {
		p = e.once(r.Context(), m)
	}
	if p != nil {
		p.answer(w)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// read reads a request and checks it.
func (e *Endpoint) read(w http.ResponseWriter, r *http.Request) (source.Message, *problem) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return source.Message{}, &problem{http.StatusMethodNotAllowed, "method_not_allowed", "send it by POST"}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, e.config.MaxBody))
	if err != nil {
		return source.Message{}, unreadable(err)
	}
	signed, err := e.verify(r.Header, body)
	if err != nil {
		return source.Message{}, &problem{http.StatusUnauthorized, "unauthorized", err.Error()}
	}
	id, err := e.config.DeliveryID(r.Header, body)
	if err != nil {
		return source.Message{}, invalid(err)
	}
	if signed.IsZero() {
		signed = e.config.Now()
	}
	return source.Message{ID: id, Time: signed, Attributes: attributes(r.Header), Data: body}, nil
}

// errStale: the request was signed too long ago, or in the future.
var errStale = errors.New("the signature is too old, or of a clock that is wrong")

// verify tries each secret.
func (e *Endpoint) verify(h http.Header, body []byte) (time.Time, error) {
	if e.config.Unsigned {
		return time.Time{}, nil
	}
	for _, secret := range e.config.Secrets {
		signed, err := e.config.Scheme.Verify(h, body, secret)
		if err != nil {
			continue
		}
		if age := e.config.Now().Sub(signed).Abs(); !signed.IsZero() && age > e.config.ReplayWindow {
			return time.Time{}, errStale
		}
		return signed, nil
	}
	return time.Time{}, ErrSignature // and not why: that would help who guesses
}

// attributes are the headers, less those that grant something.
func attributes(h http.Header) map[string]string {
	all := map[string]string{}
	for name, values := range h {
		switch name {
		case "Authorization", "Cookie", "Proxy-Authorization":
		default:
			all[strings.ToLower(name)] = strings.Join(values, ", ")
		}
	}
	return all
}

// spread delivers what a request told to all that want it.
func (e *Endpoint) spread(ctx context.Context, m source.Message) *problem {
	messages, err := e.config.Messages(m)
	if err != nil {
		return invalid(err)
	}
	e.mu.Lock()
	subscriptions := e.subscriptions // it is only appended to
	e.mu.Unlock()
	if len(subscriptions) == 0 {
		return unavailable()
	}
	for _, m := range messages {
		for _, s := range subscriptions {
			if !s.match(m) {
				continue
			}
			own := m
			own.Attributes = maps.Clone(m.Attributes)
			if err := s.hand(ctx, own); err != nil {
				return refused(err)
			}
		}
	}
	return nil
}

// problem is an answer that is no success, by RFC 9457.
type problem struct {
	status int
	code   string
	detail string
}

func unreadable(err error) *problem {
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return &problem{http.StatusRequestEntityTooLarge, "too_large", fmt.Sprintf("the body may have %d bytes", tooLarge.Limit)}
	}
	return invalid(errors.New("the body broke off"))
}

func invalid(err error) *problem {
	return &problem{http.StatusBadRequest, "invalid", err.Error()}
}

// unavailable says nothing of what is wrong here.
func unavailable() *problem {
	return &problem{http.StatusServiceUnavailable, "unavailable", "the message could not be kept now: send it again"}
}

func refused(err error) *problem {
	if errors.Is(err, source.ErrInvalid) {
		return invalid(source.ErrInvalid)
	}
	return unavailable()
}

// retryAfter, in seconds, is when senders that ask may send again.
const retryAfter = "5"

func (p *problem) answer(w http.ResponseWriter) {
	body, err := json.Marshal(map[string]any{
		"type": "about:blank", "title": http.StatusText(p.status), "status": p.status, "code": p.code, "detail": p.detail,
	})
	if err != nil {
		body = []byte("{}") // it can't be: they are texts and a number
	}
	w.Header().Set("Content-Type", "application/problem+json")
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.WriteHeader(p.status)
	_, _ = w.Write(body) // a client that is gone can't be told
}
