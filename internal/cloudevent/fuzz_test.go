package cloudevent_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/cloudevent"
)

// FuzzStructured: whatever is read can be written and is read as the same.
func FuzzStructured(f *testing.F) {
	for _, seed := range []string{
		`{"specversion":"1.0","id":"1","source":"s","type":"t","data":{"a":1}}`,
		`{"specversion":"1.0","id":"1","source":"s","type":"t","datacontenttype":"text/plain","data":"x","a":1}`,
		`{"specversion":"1.0","id":"1","source":"/ü","type":"t","data_base64":"AAE=","time":"2026-03-01T12:00:00Z"}`,
		`[]`, `{`, `{"specversion":null}`,
	} {
		f.Add("application/cloudevents+json", []byte(seed))
	}
	f.Fuzz(func(t *testing.T, content string, data []byte) {
		again(t, structured(content, string(data)))
	})
}

// FuzzBinary does the same with headers.
func FuzzBinary(f *testing.F) {
	f.Add("ce-subject", "a%20b", "ce-", []byte("x"))
	f.Add("ce_time", "2026-03-01T12:00:00Z", "ce_", []byte("x"))
	f.Add("cloudEvents:myext", "ü%", "cloudEvents:", []byte(nil))
	f.Add("ce_a", "b", "ce_", []byte(" {\"a\" : 0}"))
	f.Fuzz(func(t *testing.T, name, value, prefix string, data []byte) {
		again(t, broker.Message{Data: data, Attributes: map[string]string{
			prefix + "specversion": "1.0", prefix + "id": "1", prefix + "source": "s", prefix + "type": "t", name: value,
		}})
	})
}

func again(t *testing.T, m broker.Message) {
	e, err := cloudevent.Decode(m)
	if err != nil {
		if !errors.Is(err, cloudevent.ErrInvalid) && !errors.Is(err, cloudevent.ErrNone) && !errors.Is(err, cloudevent.ErrBatch) {
			t.Fatalf("Decode returned an error without a name: %v", err)
		}
		return
	}
	for mode, write := range modes() {
		m, err := write(e)
		if err != nil {
			t.Fatalf("%s: what was read can't be written: %v", mode, err)
		}
		got, err := cloudevent.Decode(m)
		if err != nil {
			t.Fatalf("%s: what was written can't be read: %v", mode, err)
		}
		if diff := cmp.Diff(norm(e), norm(got)); diff != "" {
			t.Fatalf("%s: %s", mode, diff)
		}
	}
}

// norm leaves out differences that mean nothing.
func norm(e cloudevent.Event) cloudevent.Event {
	e.Time = e.Time.UTC()
	var compact bytes.Buffer
	if json.Compact(&compact, e.Data) == nil {
		e.Data = compact.Bytes()
	}
	if len(e.Data) == 0 {
		e.Data = nil
	}
	for name, value := range e.Extensions {
		if value == "" {
			delete(e.Extensions, name)
		}
	}
	if len(e.Extensions) == 0 {
		e.Extensions = nil
	}
	return e
}
