package kafka

import (
	"bytes"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/talix-dev/talix/broker"
)

// headerID is the header that has a message's ID.
const headerID = "talix-id"

// encode makes a record. Its data is a copy, since the client may keep the
// record for longer than Publish waits.
func encode(topic string, m broker.Message) *kgo.Record {
	r := &kgo.Record{Topic: topic, Value: bytes.Clone(m.Data), Timestamp: m.Time}
	if m.Key != "" {
		r.Key = []byte(m.Key)
	}
	if m.ID != "" {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: headerID, Value: []byte(m.ID)})
	}
	for name, value := range m.Attributes {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: name, Value: []byte(value)})
	}
	return r
}

// decode reads a record, whoever has published it.
func (b *Broker) decode(r *kgo.Record) broker.Message {
	m := broker.Message{
		Key: string(r.Key), Time: r.Timestamp.UTC(), Attributes: map[string]string{},
		Data: append([]byte{}, r.Value...),
	}
	for _, h := range r.Headers {
		if h.Key == headerID {
			m.ID = string(h.Value)
		} else {
			m.Attributes[h.Key] = string(h.Value)
		}
	}
	if m.ID == "" {
		m.ID = m.Attributes[b.cfg.IDHeader]
	}
	if m.ID == "" {
		m.ID = fmt.Sprintf("%s/%d/%d", r.Topic, r.Partition, r.Offset)
	}
	return m
}
