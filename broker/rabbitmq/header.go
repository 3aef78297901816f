package rabbitmq

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

// The headers that are not attributes.
const (
	headerKey    = "talix-key"
	headerTime   = "talix-time"
	headerEscape = "talix-attr-"
	headerOffset = "x-stream-offset" // set by the server
)

// contentType is the attribute that has a property of its own.
const contentType = "content-type"

// maxHeaders is what fits into one frame, with a margin for what goes beside.
const maxHeaders = 100_000

// encode makes what is published.
func encode(m broker.Message, now time.Time) (amqp.Publishing, error) {
	at := m.Time
	if at.IsZero() {
		at = now
	}
	headers := amqp.Table{headerTime: at.UnixMilli()}
	if m.Key != "" {
		headers[headerKey] = m.Key
	}
	size := len(m.ID) + len(m.Key)
	for name, value := range m.Attributes {
		headers[header(name)] = value
		size += len(name) + len(value) + 16
	}
	if size > maxHeaders {
		return amqp.Publishing{}, fmt.Errorf("%w: the attributes of message %s have %d bytes, the limit is %d",
			broker.ErrTooLarge, m.ID, size, maxHeaders)
	}
	p := amqp.Publishing{
		MessageId: m.ID, Timestamp: at, Headers: headers, Body: m.Data, DeliveryMode: amqp.Persistent,
	}
	if t := m.Attributes[contentType]; len(t) <= 255 {
		p.ContentType = t
	}
	return p, nil
}

// header is the one of an attribute. The server gives some a meaning.
func header(name string) string {
	switch {
	case name == "CC", name == "BCC", name == headerKey, name == headerTime, name == headerOffset,
		strings.HasPrefix(name, headerEscape):
		return headerEscape + name
	}
	return name
}

// decode reads a message, whoever has published it.
func (b *Broker) decode(stream string, offset int64, d *amqp.Delivery) broker.Message {
	m := broker.Message{ID: d.MessageId, Time: d.Timestamp, Attributes: map[string]string{}, Data: append([]byte{}, d.Body...)}
	if d.ContentType != "" {
		m.Attributes[contentType] = d.ContentType
	}
	for name, v := range d.Headers {
		value := text(v)
		switch name {
		case headerOffset:
		case headerKey:
			m.Key = value
		case headerTime:
			if ms, ok := v.(int64); ok {
				m.Time = time.UnixMilli(ms).UTC()
			}
		default:
			m.Attributes[strings.TrimPrefix(name, headerEscape)] = value
		}
	}
	if _, ours := d.Headers[headerTime]; !ours && m.Key == "" {
		m.Key = m.Attributes[b.cfg.KeyHeader]
	}
	if m.ID == "" {
		m.ID = stream + "/" + strconv.FormatInt(offset, 10)
	}
	return m
}

// text is a header's value as it is written.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	case nil:
		return ""
	}
	return fmt.Sprint(v)
}
