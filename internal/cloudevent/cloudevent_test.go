package cloudevent_test

import (
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/internal/cloudevent"
)

func full() cloudevent.Event {
	return cloudevent.Event{
		ID: "1", Source: "/orders/größe", Type: "order.created", Subject: "Ünïcode \"100%\" ok",
		Time: time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC), DataContentType: "application/json",
		DataSchema: "https://example.org/schema", PartitionKey: "order-1",
		Extensions: map[string]string{"traceparent": "00-ab", "count": "7"},
		Data:       []byte(`{"a":1}`),
	}
}

// TestRoundTrips: what was written is read again, in each mode and binding.
func TestRoundTrips(t *testing.T) {
	t.Parallel()
	text := full()
	text.DataContentType, text.Data = "text/plain; charset=utf-8", []byte("plain <text>")
	binary := full()
	binary.DataContentType, binary.Data = "application/octet-stream", []byte{0, 1, 0xff}
	broken := full()
	broken.Data = []byte("{not json")
	least := cloudevent.Event{ID: "1", Source: "s", Type: "t"}
	for name, e := range map[string]cloudevent.Event{"full": full(), "text": text, "binary": binary, "broken": broken, "least": least} {
		for mode, write := range modes() {
			t.Run(name+"/"+mode, func(t *testing.T) {
				t.Parallel()
				m, err := write(e)
				if err != nil {
					t.Fatal(err)
				}
				if m.ID != e.Source+" "+e.ID || m.Key != e.PartitionKey || !m.Time.Equal(e.Time) {
					t.Errorf("the message is %q, key %q, of %v", m.ID, m.Key, m.Time)
				}
				got, err := cloudevent.Decode(m)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(e, got); diff != "" {
					t.Error(diff)
				}
			})
		}
	}
}

func modes() map[string]func(cloudevent.Event) (broker.Message, error) {
	all := map[string]func(cloudevent.Event) (broker.Message, error){"structured": cloudevent.Structured}
	for name, b := range map[string]cloudevent.Binding{"http": cloudevent.HTTP, "kafka": cloudevent.Kafka, "amqp": cloudevent.AMQP} {
		all[name] = func(e cloudevent.Event) (broker.Message, error) { return cloudevent.Binary(e, b) }
	}
	return all
}

// TestHeaders holds what is written to the specification's letters.
func TestHeaders(t *testing.T) {
	t.Parallel()
	m, err := cloudevent.Binary(full(), cloudevent.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"ce-specversion": "1.0", "ce-id": "1", "ce-source": "/orders/gr%C3%B6%C3%9Fe", "ce-type": "order.created",
		"ce-subject": "%C3%9Cn%C3%AFcode%20%22100%25%22%20ok", "ce-time": "2026-03-01T12:00:00.123456789Z",
		"ce-dataschema": "https://example.org/schema", "ce-partitionkey": "order-1", "ce-traceparent": "00-ab",
		"ce-count": "7", "content-type": "application/json",
	}
	if diff := cmp.Diff(want, m.Attributes); diff != "" {
		t.Error(diff)
	}
	m, err = cloudevent.Structured(full())
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(m.Data, &got); err != nil {
		t.Fatal(err)
	}
	wantJSON := map[string]any{
		"specversion": "1.0", "id": "1", "source": "/orders/größe", "type": "order.created",
		"subject": "Ünïcode \"100%\" ok", "time": "2026-03-01T12:00:00.123456789Z", "datacontenttype": "application/json",
		"dataschema": "https://example.org/schema", "partitionkey": "order-1", "traceparent": "00-ab", "count": "7",
		"data": map[string]any{"a": 1.0},
	}
	if diff := cmp.Diff(wantJSON, got); diff != "" {
		t.Error(diff)
	}
	if want := map[string]string{"content-type": "application/cloudevents+json"}; !maps.Equal(m.Attributes, want) {
		t.Errorf("the headers are %v, want %v", m.Attributes, want)
	}
}

func TestDecodeBinary(t *testing.T) {
	t.Parallel()
	least := map[string]string{"id": "1", "source": "s", "type": "t", "specversion": "1.0"}
	for _, prefix := range []string{"ce-", "CE-", "Ce-", "ce_", "cloudEvents:", "cloudEvents_", "CLOUDEVENTS_"} {
		attributes := map[string]string{"Content-Type": "text/plain", "other": "x"}
		for name, value := range least {
			attributes[prefix+strings.ToUpper(name[:1])+name[1:]] = value
		}
		attributes[prefix+"myExt"] = "50%25"
		e, err := cloudevent.Decode(broker.Message{Key: "k", Attributes: attributes, Data: []byte("d")})
		if err != nil {
			t.Errorf("%s: %v", prefix, err)
			continue
		}
		ext := "50%25"
		if strings.EqualFold(prefix, "ce-") {
			ext = "50%"
		}
		want := cloudevent.Event{
			ID: "1", Source: "s", Type: "t", DataContentType: "text/plain", PartitionKey: "k",
			Extensions: map[string]string{"myext": ext}, Data: []byte("d"),
		}
		if diff := cmp.Diff(want, e); diff != "" {
			t.Errorf("%s: %s", prefix, diff)
		}
	}
}

func TestDecodeStructured(t *testing.T) {
	t.Parallel()
	const least = `"specversion":"1.0","id":"1","source":"s","type":"t"`
	base := cloudevent.Event{ID: "1", Source: "s", Type: "t"}
	with := func(change func(*cloudevent.Event)) cloudevent.Event {
		e := base
		change(&e)
		return e
	}
	tests := map[string]struct {
		json string
		want cloudevent.Event
	}{
		"least":          {`{` + least + `}`, base},
		"data":           {`{` + least + `,"data": {"a" : [1]} }`, with(func(e *cloudevent.Event) { e.Data = []byte(`{"a" : [1]}`) })},
		"null data":      {`{` + least + `,"data":null}`, with(func(e *cloudevent.Event) { e.Data = []byte("null") })},
		"text":           {`{` + least + `,"datacontenttype":"text/xml","data":"<a/>"}`, with(func(e *cloudevent.Event) { e.DataContentType, e.Data = "text/xml", []byte("<a/>") })},
		"json text":      {`{` + least + `,"data":"x"}`, with(func(e *cloudevent.Event) { e.Data = []byte(`"x"`) })},
		"text as json":   {`{` + least + `,"datacontenttype":"text/xml","data":{}}`, with(func(e *cloudevent.Event) { e.DataContentType, e.Data = "text/xml", []byte("{}") })},
		"base64":         {`{` + least + `,"data_base64":"AAH/"}`, with(func(e *cloudevent.Event) { e.Data = []byte{0, 1, 255} })},
		"null attribute": {`{` + least + `,"subject":null}`, base},
		"extensions":     {`{` + least + `,"a":true,"b":-7,"c":"x"}`, with(func(e *cloudevent.Event) { e.Extensions = map[string]string{"a": "true", "b": "-7", "c": "x"} })},
		"zone":           {`{` + least + `,"time":"2026-03-01t12:00:00+00:00"}`, with(func(e *cloudevent.Event) { e.Time = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) })},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, content := range []string{"application/cloudevents+json; charset=UTF-8", "Application/CloudEvents+JSON", "application/cloudevents"} {
				got, err := cloudevent.Decode(structured(content, test.json))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(test.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func structured(content, text string) broker.Message {
	return broker.Message{Attributes: map[string]string{"content-type": content}, Data: []byte(text)}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	const json = "application/cloudevents+json"
	headers := func(pairs ...string) broker.Message {
		m := broker.Message{Attributes: map[string]string{"ce-id": "1", "ce-source": "s", "ce-type": "t", "ce-specversion": "1.0"}}
		for i := 0; i < len(pairs); i += 2 {
			m.Attributes[pairs[i]] = pairs[i+1]
		}
		return m
	}
	tests := map[string]struct {
		message broker.Message
		want    error
		says    string
	}{
		"plain":           {broker.Message{Data: []byte("{}")}, cloudevent.ErrNone, ""},
		"no version":      {broker.Message{Attributes: map[string]string{"ce-id": "1"}}, cloudevent.ErrNone, ""},
		"batch":           {structured("application/cloudevents-batch+json", "[]"), cloudevent.ErrBatch, "message of its own"},
		"array":           {structured(json, "[]"), cloudevent.ErrBatch, ""},
		"other format":    {structured("application/cloudevents+avro", "x"), cloudevent.ErrInvalid, "cloudevents+json"},
		"old":             {headers("ce-specversion", "0.3"), cloudevent.ErrInvalid, "0.3"},
		"no id":           {headers("ce-id", ""), cloudevent.ErrInvalid, "no id"},
		"bad source":      {headers("ce-source", "a%20b"), cloudevent.ErrInvalid, "source"},
		"bad time":        {headers("ce-time", "yesterday"), cloudevent.ErrInvalid, "time"},
		"bad name":        {headers("ce-my_ext", "x"), cloudevent.ErrInvalid, "my_ext"},
		"data as name":    {headers("ce-data", "x"), cloudevent.ErrInvalid, "data"},
		"twice":           {headers("ce_id", "2"), cloudevent.ErrInvalid, "two headers"},
		"content twice":   {headers("Content-Type", "a/b", "content-type", "c/d"), cloudevent.ErrInvalid, "content types"},
		"not UTF-8":       {headers("ce-subject", "%ff"), cloudevent.ErrInvalid, "UTF-8"},
		"broken":          {structured(json, `{"specversion":`), cloudevent.ErrInvalid, "broken"},
		"more":            {structured(json, `{"specversion":"1.0","id":"1","source":"s","type":"t"}{}`), cloudevent.ErrInvalid, "follows"},
		"member twice":    {structured(json, `{"specversion":"1.0","id":"1","id":"2","source":"s","type":"t"}`), cloudevent.ErrInvalid, "twice"},
		"capitals":        {structured(json, `{"specversion":"1.0","ID":"1","source":"s","type":"t"}`), cloudevent.ErrInvalid, "ID"},
		"number id":       {structured(json, `{"specversion":"1.0","id":1,"source":"s","type":"t"}`), cloudevent.ErrInvalid, "no text"},
		"object":          {structured(json, `{"specversion":"1.0","id":"1","source":"s","type":"t","x":{}}`), cloudevent.ErrInvalid, "extension"},
		"fraction":        {structured(json, `{"specversion":"1.0","id":"1","source":"s","type":"t","x":1.5}`), cloudevent.ErrInvalid, "extension"},
		"both data":       {structured(json, `{"specversion":"1.0","id":"1","source":"s","type":"t","data":1,"data_base64":""}`), cloudevent.ErrInvalid, "data_base64"},
		"bad base64":      {structured(json, `{"specversion":"1.0","id":"1","source":"s","type":"t","data_base64":"?"}`), cloudevent.ErrInvalid, "Base64"},
		"no version JSON": {structured(json, `{"id":"1","source":"s","type":"t"}`), cloudevent.ErrInvalid, "specversion"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := cloudevent.Decode(test.message)
			if !errors.Is(err, test.want) || !strings.Contains(err.Error(), test.says) {
				t.Errorf("Decode says %v, want %v with %q", err, test.want, test.says)
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*cloudevent.Event){
		"no id":           func(e *cloudevent.Event) { e.ID = "" },
		"no source":       func(e *cloudevent.Event) { e.Source = "" },
		"blank source":    func(e *cloudevent.Event) { e.Source = "a b" },
		"no type":         func(e *cloudevent.Event) { e.Type = "" },
		"extension id":    func(e *cloudevent.Event) { e.Extensions["id"] = "2" },
		"extension time":  func(e *cloudevent.Event) { e.Extensions["time"] = "2" },
		"extension data":  func(e *cloudevent.Event) { e.Extensions["data"] = "2" },
		"capital":         func(e *cloudevent.Event) { e.Extensions["myExt"] = "2" },
		"not UTF-8":       func(e *cloudevent.Event) { e.Subject = "\xff" },
		"empty extension": func(e *cloudevent.Event) { e.Extensions[""] = "2" },
	}
	for name, change := range tests {
		e := full()
		change(&e)
		for mode, write := range modes() {
			if _, err := write(e); !errors.Is(err, cloudevent.ErrInvalid) {
				t.Errorf("%s, %s: %v, want ErrInvalid", name, mode, err)
			}
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	a := cloudevent.Event{Source: "a", ID: "b c"}
	long := cloudevent.Event{Source: strings.Repeat("s", 200), ID: strings.Repeat("i", 100)}
	other := long
	other.ID += "j"
	if a.Identity() != "a b c" || len(long.Identity()) > 255 || long.Identity() == other.Identity() {
		t.Errorf("identities are %q, %q, %q", a.Identity(), long.Identity(), other.Identity())
	}
}
