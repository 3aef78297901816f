package cloudevent

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decodeJSON reads structured mode.
func decodeJSON(text []byte) (Event, error) {
	members, err := readObject(text)
	if err != nil {
		return Event{}, err
	}
	data, hasData := take(members, dataName)
	encoded, hasBase64 := take(members, base64Name)
	if _, ok := members[versionName]; !ok {
		return Event{}, invalid("it has no specversion")
	}
	var e Event
	for name, value := range members {
		if err := e.setJSON(name, value); err != nil {
			return Event{}, err
		}
	}
	switch {
	case hasData && hasBase64:
		return Event{}, invalid("it has data and data_base64")
	case hasBase64:
		e.Data, err = fromBase64(encoded)
	case hasData:
		e.Data, err = fromJSON(e.DataContentType, data)
	}
	return e, err
}

// readObject reads the members of an object, none twice, none null.
func readObject(text []byte) (map[string]json.RawMessage, error) {
	if !utf8.Valid(text) {
		return nil, invalid("its JSON is not UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		if start == json.Delim('[') {
			return nil, ErrBatch
		}
		return nil, invalid("it is no JSON object")
	}
	members := map[string]json.RawMessage{}
	seen := map[string]bool{}
	for d.More() {
		name, value, err := readMember(d)
		if err != nil {
			return nil, invalid("its JSON is broken: %v", err)
		}
		if seen[name] {
			return nil, invalid("it has %q twice", name)
		}
		seen[name] = true
		if string(value) != "null" || name == dataName {
			members[name] = value
		}
	}
	if _, err := d.Token(); err != nil {
		return nil, invalid("its JSON is broken: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, invalid("something follows its JSON")
	}
	return members, nil
}

func readMember(d *json.Decoder) (string, json.RawMessage, error) {
	token, err := d.Token()
	if err != nil {
		return "", nil, err
	}
	name, ok := token.(string)
	if !ok {
		return "", nil, fmt.Errorf("%v is no name", token)
	}
	var value json.RawMessage
	err = d.Decode(&value)
	return name, value, err
}

func take(members map[string]json.RawMessage, name string) (json.RawMessage, bool) {
	value, ok := members[name]
	delete(members, name)
	return value, ok
}

// setJSON takes an attribute: a text, or in extensions a boolean or an integer.
func (e *Event) setJSON(name string, value json.RawMessage) error {
	var text string
	if err := json.Unmarshal(value, &text); err == nil {
		return e.set(name, text)
	}
	if e.field(name) != nil || name == versionName || name == timeName {
		return invalid("its %s is no text", name)
	}
	text = string(value)
	if _, err := strconv.ParseInt(text, 10, 32); err != nil && text != "true" && text != "false" {
		return invalid("its extension %.40q is no text, boolean or integer", name)
	}
	return e.set(name, text)
}

func fromBase64(value json.RawMessage) ([]byte, error) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, invalid("its data_base64 is no text")
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, invalid("its data_base64 is no Base64")
	}
	return data, nil
}

// fromJSON is the data of a JSON value: itself, unless the content type says
// that the data is not JSON and the value is a text.
func fromJSON(content string, value json.RawMessage) ([]byte, error) {
	isText := len(value) > 0 && value[0] == '"'
	if content == "" || isJSON(content) || !isText {
		return value, nil
	}
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return nil, invalid("its data is no text: %v", err)
	}
	return []byte(text), nil
}

func isJSON(content string) bool {
	media := mediaType(content)
	return strings.HasSuffix(media, "/json") || strings.HasSuffix(media, "+json")
}

// encodeJSON writes data as JSON if it is that, and as Base64 if not.
func encodeJSON(e Event) ([]byte, error) {
	members := map[string]any{versionName: specVersion}
	e.each(func(name, value string) { members[name] = value })
	switch {
	case e.Data == nil:
	case (e.DataContentType == "" || isJSON(e.DataContentType)) && utf8.Valid(e.Data) && json.Valid(e.Data):
		members[dataName] = json.RawMessage(e.Data)
	default:
		members[base64Name] = e.Data
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(members); err != nil {
		return nil, fmt.Errorf("encode CloudEvent: %w", err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
