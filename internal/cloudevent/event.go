// Package cloudevent reads and writes CloudEvents 1.0 in messages of brokers:
// in binary mode, where attributes are headers and the data is the body, and in
// structured mode, where the body is JSON with everything in it. Batches are
// refused.
package cloudevent

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Event is one CloudEvent.
type Event struct {
	// ID, Source and Type are never empty. The source and the id together
	// identify the event.
	ID, Source, Type string
	// What follows is empty if the event does not have it.
	Subject         string
	Time            time.Time
	DataContentType string
	DataSchema      string
	// PartitionKey is the extension partitionkey, and the Key of the message.
	PartitionKey string
	// Extensions are all others. Names are small letters and digits; values
	// that were numbers or booleans in JSON are texts.
	Extensions map[string]string
	Data       []byte
}

// Errors that callers tell apart.
var (
	// ErrNone: the message is no CloudEvent.
	ErrNone = errors.New("the message is not a CloudEvent")
	// ErrInvalid: the message means to be a CloudEvent and breaks the rules.
	ErrInvalid = errors.New("the CloudEvent is not valid")
	// ErrBatch: the message is a batch of CloudEvents.
	ErrBatch = errors.New("batches of CloudEvents are not taken: send each event as a message of its own")
)

// Identity is the same for the same event, and only for it. It has at most 255
// bytes.
func (e Event) Identity() string {
	identity := e.Source + " " + e.ID // a source has no blanks
	if len(identity) <= 255 {
		return identity
	}
	sum := sha256.Sum256([]byte(identity))
	return "sha256:" + hex.EncodeToString(sum[:])
}

const specVersion = "1.0"

// names of the attributes that Event has fields for.
const (
	idName       = "id"
	sourceName   = "source"
	typeName     = "type"
	versionName  = "specversion"
	subjectName  = "subject"
	timeName     = "time"
	contentName  = "datacontenttype"
	schemaName   = "dataschema"
	keyName      = "partitionkey"
	dataName     = "data"
	base64Name   = "data_base64"
	contentField = "content-type"
)

// set puts an attribute's text in its place.
func (e *Event) set(name, value string) error {
	if !utf8.ValidString(value) {
		return invalid("%s is not UTF-8", name)
	}
	switch name {
	case versionName:
		if value != specVersion {
			return invalid("its specversion is %q, and only %q is taken", value, specVersion)
		}
		return nil
	case timeName:
		t, err := time.Parse(time.RFC3339Nano, strings.ToUpper(value))
		if err != nil {
			return invalid("its time %.40q is not as in 2006-01-02T15:04:05Z", value)
		}
		e.Time = t
		return nil
	}
	if field := e.field(name); field != nil {
		*field = value
		return nil
	}
	return e.extend(name, value)
}

func (e *Event) field(name string) *string {
	switch name {
	case idName:
		return &e.ID
	case sourceName:
		return &e.Source
	case typeName:
		return &e.Type
	case subjectName:
		return &e.Subject
	case contentName:
		return &e.DataContentType
	case schemaName:
		return &e.DataSchema
	case keyName:
		return &e.PartitionKey
	}
	return nil
}

func (e *Event) extend(name, value string) error {
	if !validName(name) {
		return invalid("the attribute name %.40q has other characters than small letters and digits", name)
	}
	if e.Extensions == nil {
		e.Extensions = map[string]string{}
	}
	e.Extensions[name] = value
	return nil
}

func validName(name string) bool {
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return name != "" && name != dataName
}

// check tells what breaks the rules.
func (e Event) check() error {
	for _, name := range [...]string{idName, sourceName, typeName} {
		if *e.field(name) == "" {
			return invalid("it has no %s", name)
		}
	}
	if _, err := url.Parse(e.Source); err != nil || strings.ContainsAny(e.Source, " \t\r\n") {
		return invalid("its source %.80q is not a URI or path", e.Source)
	}
	return nil
}

// checkOut holds an event that is to be written to the rules of names as well.
func (e Event) checkOut() error {
	for name := range e.Extensions {
		if !validName(name) || name == versionName || name == timeName || e.field(name) != nil {
			return invalid("%q cannot be the name of an extension", name)
		}
	}
	var err error
	e.each(func(name, value string) {
		if !utf8.ValidString(value) {
			err = invalid("%s is not UTF-8", name)
		}
	})
	if err != nil {
		return err
	}
	return e.check()
}

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrInvalid, fmt.Sprintf(format, args...))
}

// each calls f for every attribute that is there but specversion.
func (e Event) each(f func(name, value string)) {
	for _, name := range [...]string{idName, sourceName, typeName, subjectName, contentName, schemaName, keyName} {
		if value := *e.field(name); value != "" {
			f(name, value)
		}
	}
	if !e.Time.IsZero() {
		f(timeName, e.Time.Format(time.RFC3339Nano))
	}
	for name, value := range e.Extensions {
		f(name, value)
	}
}
