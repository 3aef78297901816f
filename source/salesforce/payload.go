package salesforce

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	"github.com/talix-dev/talix/source"
)

// fields are a record's, by their API names.
type fields map[string]json.RawMessage

// body is each shape that a request can have.
type body struct {
	// The streaming API's.
	Payload fields `json:"payload"`
	Event   struct {
		ReplayID json.Number `json:"replayId"`
		UUID     string      `json:"EventUuid"`
		Name     string      `json:"EventApiName"`
	} `json:"event"`
	Channel string `json:"channel"`

	// CloudEvents'.
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Time        time.Time `json:"time"`

	// Either's.
	Data json.RawMessage `json:"data"`
}

// header is that of a change.
type header struct {
	Entity      string   `json:"entityName"`
	Change      string   `json:"changeType"`
	Records     []string `json:"recordIds"`
	Committed   int64    `json:"commitTimestamp"` // milliseconds
	Transaction string   `json:"transactionKey"`
	Sequence    int64    `json:"sequenceNumber"`
	User        string   `json:"commitUser"`
}

// happening is one request's event, whatever shape it came in.
type happening struct {
	id, name, replay, user string
	time                   time.Time
	records                []string
	fields                 fields
}

func deliveryID(_ http.Header, text []byte) (string, error) {
	h, err := parse(text)
	return h.id, err
}

// messages are one for each record.
func messages(m source.Message) ([]source.Message, error) {
	h, err := parse(m.Data)
	if err != nil {
		return nil, err
	}
	if len(h.records) < 2 {
		one, err := h.message(m, m.ID, strings.Join(h.records, ""))
		return []source.Message{one}, err
	}
	var all []source.Message
	for _, record := range h.records {
		one, err := h.message(m, m.ID+"/"+record, record)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func (h happening) message(m source.Message, id, record string) (source.Message, error) {
	fields := maps.Clone(h.fields)
	if _, has := fields["Id"]; !has && record != "" {
		fields["Id"], _ = json.Marshal(record) // a text always can be
	}
	data, err := json.Marshal(fields)
	if err != nil {
		return m, fmt.Errorf("write fields: %w", err)
	}
	out := source.Message{ID: id, Time: m.Time, Attributes: maps.Clone(m.Attributes), Data: data}
	if !h.time.IsZero() {
		out.Time = h.time
	}
	for name, value := range map[string]string{
		EventAttribute: canonical(h.name), RecordAttribute: record, ReplayAttribute: h.replay, UserAttribute: h.user,
	} {
		if value != "" {
			out.Attributes[name] = value
		}
	}
	return out, nil
}

func parse(text []byte) (happening, error) {
	var b body
	if err := json.Unmarshal(text, &b); err != nil {
		return happening{}, fmt.Errorf("the body is not one event as JSON: %w", err)
	}
	if b.SpecVersion != "" {
		return b.cloudEvent()
	}
	if b.Payload == nil && b.Data != nil {
		channel := b.Channel
		if err := json.Unmarshal(b.Data, &b); err != nil {
			return happening{}, fmt.Errorf("its data is not an event: %w", err)
		}
		b.Channel = channel
	}
	if b.Payload == nil {
		return happening{}, errors.New("the body has neither a payload nor a specversion: it is no event of Salesforce")
	}
	if raw, ok := b.Payload[headerName]; ok {
		return b.change(raw)
	}
	return b.platformEvent()
}

const headerName = "ChangeEventHeader"

func (b body) cloudEvent() (happening, error) {
	h := happening{id: b.Source + " " + b.ID, name: b.Type, time: b.Time}
	if b.SpecVersion != "1.0" || b.ID == "" || b.Source == "" || b.Type == "" {
		return h, errors.New("the CloudEvent needs specversion 1.0, id, source and type")
	}
	if len(b.Data) == 0 {
		b.Data = json.RawMessage("{}")
	}
	if err := json.Unmarshal(b.Data, &h.fields); err != nil {
		return h, fmt.Errorf("its data is no object of fields: %w", err)
	}
	if h.fields == nil {
		h.fields = fields{}
	}
	var record string
	if json.Unmarshal(h.fields["Id"], &record) == nil {
		h.records = []string{record}
	}
	return h, nil
}

// change is one of Change Data Capture, which a transaction and a number in it
// identify.
func (b body) change(raw json.RawMessage) (happening, error) {
	var c header
	if err := json.Unmarshal(raw, &c); err != nil {
		return happening{}, fmt.Errorf("its %s cannot be read: %w", headerName, err)
	}
	word, known := changes()[c.Change]
	if !known {
		word = c.Change // no action waits for it
	}
	if c.Entity == "" || c.Transaction == "" || word == "" || len(c.Records) == 0 && c.Change != "GAP_OVERFLOW" {
		return happening{}, fmt.Errorf("its %s needs entityName, changeType, recordIds and transactionKey", headerName)
	}
	delete(b.Payload, headerName)
	return happening{
		id: fmt.Sprintf("%s/%d/%s", c.Transaction, c.Sequence, c.Entity), name: c.Entity + "." + word,
		replay: b.Event.ReplayID.String(), user: c.User, time: time.UnixMilli(c.Committed).UTC(),
		records: c.Records, fields: b.Payload,
	}, nil
}

// platformEvent is identified by its UUID, or in older versions of the API by
// its replay id.
func (b body) platformEvent() (happening, error) {
	h := happening{name: b.Event.Name, id: b.Event.UUID, replay: b.Event.ReplayID.String(), fields: b.Payload}
	if h.name == "" {
		h.name = b.Channel[strings.LastIndex(b.Channel, "/")+1:]
	}
	if h.id == "" && h.replay != "" {
		h.id = h.name + "/" + h.replay
	}
	if h.name == "" || h.id == "" {
		return h, errors.New("the platform event needs an EventApiName or a channel, and an EventUuid or a replayId")
	}
	var created string
	if json.Unmarshal(b.Payload["CreatedDate"], &created) == nil {
		h.time, _ = time.Parse(time.RFC3339, created) // without it, the time of the request stands
	}
	return h, nil
}
