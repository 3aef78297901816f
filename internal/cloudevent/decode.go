package cloudevent

import (
	"mime"
	"strings"

	"github.com/talix-dev/talix/broker"
)

// Decode reads the event of a message, in either mode. It fails with ErrNone
// for any other message, with ErrBatch, and with ErrInvalid. Names of headers
// may have capitals, and begin with "ce-" as over HTTP and NATS, "ce_" as in
// Kafka, "cloudEvents:" or "cloudEvents_" as in AMQP.
func Decode(m broker.Message) (Event, error) {
	content, err := contentType(m.Attributes)
	if err != nil {
		return Event{}, err
	}
	e, err := decode(m, content)
	if err != nil {
		return Event{}, err
	}
	if e.PartitionKey == "" {
		e.PartitionKey = m.Key
	}
	return e, e.check()
}

func decode(m broker.Message, content string) (Event, error) {
	switch media := mediaType(content); {
	case strings.HasPrefix(media, "application/cloudevents-batch"):
		return Event{}, ErrBatch
	case media == "application/cloudevents+json", media == "application/cloudevents":
		return decodeJSON(m.Data)
	case strings.HasPrefix(media, "application/cloudevents"):
		return Event{}, invalid("its format %q is not read: send it as application/cloudevents+json", media)
	}
	return decodeBinary(m, content)
}

// contentType is the header of that name, in whatever capitals.
func contentType(attributes map[string]string) (found string, err error) {
	for name, value := range attributes {
		if !strings.EqualFold(name, contentField) && !strings.EqualFold(name, "content_type") {
			continue
		}
		if found != "" && found != value {
			return "", invalid("it has the content types %.40q and %.40q", found, value)
		}
		found = value
	}
	return found, nil
}

func mediaType(content string) string {
	media, _, err := mime.ParseMediaType(content)
	if err != nil {
		media, _, _ = strings.Cut(content, ";")
	}
	return strings.ToLower(strings.TrimSpace(media))
}

func decodeBinary(m broker.Message, content string) (Event, error) {
	attributes, err := binaryAttributes(m.Attributes)
	if err != nil {
		return Event{}, err
	}
	if _, ok := attributes[versionName]; !ok {
		return Event{}, ErrNone
	}
	e := Event{DataContentType: content, Data: m.Data}
	for name, value := range attributes {
		if err := e.set(name, value); err != nil {
			return Event{}, err
		}
	}
	return e, nil
}

// binaryAttributes are those headers that are attributes, without what their
// names begin with.
func binaryAttributes(headers map[string]string) (map[string]string, error) {
	attributes := map[string]string{}
	for header, value := range headers {
		name, percent, ok := cutPrefix(header)
		if !ok {
			continue
		}
		if percent {
			value = unescape(value)
		}
		if other, twice := attributes[name]; twice && other != value {
			return nil, invalid("it has two headers for %s, with the values %.40q and %.40q", name, other, value)
		}
		attributes[name] = value
	}
	return attributes, nil
}

// cutPrefix is the attribute that a header is for, and whether its value is
// escaped as over HTTP.
func cutPrefix(header string) (name string, percent, ok bool) {
	lower := strings.ToLower(header)
	for _, b := range [...]Binding{HTTP, Kafka, AMQP, "cloudevents_"} {
		if name, ok := strings.CutPrefix(lower, strings.ToLower(string(b))); ok {
			return name, b == HTTP, name != ""
		}
	}
	return "", false, false
}

// unescape decodes %XX once, and leaves alone what is not so.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if c, ok := hexByte(s[i:]); ok {
			b.WriteByte(c)
			i += 2
		} else {
			b.WriteByte(s[i])
		}
	}
	return b.String()
}

func hexByte(s string) (byte, bool) {
	if len(s) < 3 || s[0] != '%' {
		return 0, false
	}
	high, low := strings.IndexByte(digits, upper(s[1])), strings.IndexByte(digits, upper(s[2]))
	if high < 0 || low < 0 {
		return 0, false
	}
	return byte(high<<4 | low), true
}

const digits = "0123456789ABCDEF"

func upper(c byte) byte {
	if c >= 'a' && c <= 'f' {
		return c - 'a' + 'A'
	}
	return c
}
