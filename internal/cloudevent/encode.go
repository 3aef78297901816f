package cloudevent

import (
	"strings"

	"github.com/talix-dev/talix/broker"
)

// Binding is how the headers of a protocol name attributes: what stands before
// their names.
type Binding string

// The bindings.
const (
	// HTTP is for NATS as well: values are escaped with %.
	HTTP  Binding = "ce-"
	Kafka Binding = "ce_"
	AMQP  Binding = "cloudEvents:"
)

// Binary writes an event in binary mode. The message has the event's identity
// as its ID, its partition key as its Key, and its time.
func Binary(e Event, b Binding) (broker.Message, error) {
	if err := e.checkOut(); err != nil {
		return broker.Message{}, err
	}
	m := message(e)
	m.Data = e.Data
	m.Attributes[string(b)+versionName] = specVersion
	e.each(func(name, value string) {
		if name == contentName {
			m.Attributes[contentField] = value
			return
		}
		if b == HTTP {
			value = escape(value)
		}
		m.Attributes[string(b)+name] = value
	})
	return m, nil
}

// Structured writes an event in structured mode, as JSON.
func Structured(e Event) (broker.Message, error) {
	if err := e.checkOut(); err != nil {
		return broker.Message{}, err
	}
	m := message(e)
	m.Attributes[contentField] = "application/cloudevents+json"
	var err error
	m.Data, err = encodeJSON(e)
	return m, err
}

func message(e Event) broker.Message {
	return broker.Message{ID: e.Identity(), Key: e.PartitionKey, Time: e.Time, Attributes: map[string]string{}}
}

// escape encodes what headers of HTTP can't have, and the quotes that would
// mean something there.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '"' && c != '%' {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(digits[c>>4])
			b.WriteByte(digits[c&15])
		}
	}
	return b.String()
}
