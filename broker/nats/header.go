package nats

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

const (
	idHeader   = "Nats-Msg-Id"
	keyHeader  = "Talix-Key"
	timeHeader = "Talix-Time"
	moreHeader = "Talix-More"
)

// more is what headers of NATS can't carry as it is.
type more struct {
	ID         *string           `json:"id,omitempty"`
	Key        *string           `json:"key,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

func (m more) empty() bool { return m.ID == nil && m.Key == nil && len(m.Attributes) == 0 }

// encode makes a message for NATS. once is by what JetStream knows that it was
// published before; empty if it never was.
func encode(topic string, m broker.Message, once string) (*nats.Msg, error) {
	out := &nats.Msg{Subject: topic, Data: m.Data, Header: nats.Header{}}
	var rest more
	if once != "" {
		out.Header.Set(idHeader, plainID(once))
	}
	if m.ID != "" && plainID(once) != m.ID {
		rest.ID = &m.ID
	}
	if m.Key != "" && plain(m.Key) {
		out.Header.Set(keyHeader, m.Key)
	} else if m.Key != "" {
		rest.Key = &m.Key
	}
	if !m.Time.IsZero() {
		out.Header.Set(timeHeader, m.Time.UTC().Format(time.RFC3339Nano))
	}
	rest.Attributes = putAttributes(out.Header, m.Attributes)
	if rest.empty() {
		return out, nil
	}
	text, err := json.Marshal(rest)
	if err != nil {
		return nil, fmt.Errorf("encode headers: %w", err)
	}
	out.Header.Set(moreHeader, base64.StdEncoding.EncodeToString(text))
	return out, nil
}

// plainID is an id that a header can carry.
func plainID(id string) string {
	if plain(id) {
		return id
	}
	return "base64:" + base64.StdEncoding.EncodeToString([]byte(id))
}

// putAttributes returns those that headers can't carry.
func putAttributes(h nats.Header, attributes map[string]string) map[string]string {
	rest := map[string]string{}
	for name, value := range attributes {
		if plainName(name) && plain(value) {
			h[name] = []string{value}
		} else {
			rest[name] = value
		}
	}
	return rest
}

// plain tells whether a header's value comes out as it went in.
func plain(s string) bool {
	return strings.TrimSpace(s) == s && !strings.ContainsFunc(s, unicode.IsControl)
}

// plainName tells whether a header may have the name, and means nothing to
// NATS or to this package.
func plainName(s string) bool {
	odd := func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"()/,:;<=>?@[\\]{}", r) }
	return s != "" && !strings.ContainsFunc(s, odd) && !ownName(s)
}

func ownName(name string) bool {
	if name == broker.DeadReason || name == broker.DeadTopic || name == broker.DeadGroup {
		return false
	}
	for _, own := range [...]string{"Nats-", "Talix-"} {
		if len(name) >= len(own) && strings.EqualFold(name[:len(own)], own) {
			return true
		}
	}
	return false
}

// decode reads a message of a topic. Whatever others put into it is taken as
// far as it makes sense.
func decode(topic string, in jetstream.Msg, meta *jetstream.MsgMetadata) broker.Message {
	h := in.Headers()
	m := broker.Message{
		ID: valid(h.Get(idHeader)), Key: valid(h.Get(keyHeader)), Time: meta.Timestamp.UTC(),
		Data: in.Data(), Attributes: getAttributes(h),
	}
	if t, err := time.Parse(time.RFC3339Nano, h.Get(timeHeader)); err == nil {
		m.Time = t.UTC()
	}
	addMore(&m, h.Get(moreHeader))
	if m.ID == "" {
		m.ID = fmt.Sprintf("%s/%d", meta.Stream, meta.Sequence.Stream)
	}
	if _, keyed := h[keyHeader]; !keyed && m.Key == "" && in.Subject() != topic {
		m.Key = in.Subject()
	}
	return m
}

func getAttributes(h nats.Header) map[string]string {
	attributes := map[string]string{}
	for name, values := range h {
		if !ownName(name) {
			attributes[valid(name)] = valid(strings.Join(values, ", "))
		}
	}
	return attributes
}

func addMore(m *broker.Message, text string) {
	var rest more
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || json.Unmarshal(raw, &rest) != nil {
		return
	}
	if rest.ID != nil {
		m.ID = *rest.ID
	}
	if rest.Key != nil {
		m.Key = *rest.Key
	}
	for name, value := range rest.Attributes {
		m.Attributes[name] = value
	}
}

func valid(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
