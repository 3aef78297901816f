package redis

import (
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/talix-dev/talix/broker"
)

// The fields of an entry.
const (
	fieldID     = "talix-id"
	fieldKey    = "talix-key"
	fieldTime   = "talix-time"
	fieldData   = "data"
	fieldEscape = "talix-attr-"
)

// encode makes the fields of an entry.
func encode(m broker.Message, now time.Time) []any {
	at := m.Time
	if at.IsZero() {
		at = now
	}
	fields := []any{fieldTime, at.UnixMilli(), fieldData, m.Data}
	if m.ID != "" {
		fields = append(fields, fieldID, m.ID)
	}
	if m.Key != "" {
		fields = append(fields, fieldKey, m.Key)
	}
	for name, value := range m.Attributes {
		fields = append(fields, field(name), value)
	}
	return fields
}

// field is the one of an attribute.
func field(name string) string {
	switch {
	case name == fieldData, name == fieldID, name == fieldKey, name == fieldTime, strings.HasPrefix(name, fieldEscape):
		return fieldEscape + name
	}
	return name
}

// decode reads an entry, whoever has added it.
func (b *Broker) decode(stream string, e redis.XMessage) broker.Message {
	m := broker.Message{Time: entryTime(e.ID), Attributes: map[string]string{}}
	for name, v := range e.Values {
		value, _ := v.(string)
		switch name {
		case fieldID:
			m.ID = value
		case fieldKey:
			m.Key = value
		case fieldData:
			m.Data = []byte(value)
		case fieldTime:
			if ms, err := strconv.ParseInt(value, 10, 64); err == nil {
				m.Time = time.UnixMilli(ms).UTC()
			}
		default:
			m.Attributes[strings.TrimPrefix(name, fieldEscape)] = value
		}
	}
	b.adopt(&m, stream, e)
	return m
}

// adopt gives a message of another program its id and key.
func (b *Broker) adopt(m *broker.Message, stream string, e redis.XMessage) {
	if _, ours := e.Values[fieldTime]; !ours {
		if m.ID == "" {
			m.ID = m.Attributes[b.cfg.IDField]
		}
		if m.Key == "" {
			m.Key = m.Attributes[b.cfg.KeyField]
		}
	}
	if m.ID == "" {
		m.ID = stream + "/" + e.ID
	}
}

// entryTime is the one that Redis put into an entry's id.
func entryTime(id string) time.Time {
	ms, _, _ := strings.Cut(id, "-")
	n, err := strconv.ParseInt(ms, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.UnixMilli(n).UTC()
}
