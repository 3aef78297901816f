package webhook

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// ID finds the name of a delivery in a request whose signature was right. It is
// the same whenever the delivery is sent again, and differs for all others.
type ID func(header http.Header, body []byte) (string, error)

// Header is the id in a header.
func Header(name string) ID {
	return func(h http.Header, _ []byte) (string, error) {
		if id := h.Get(name); id != "" {
			return id, nil
		}
		return "", fmt.Errorf("the header %s, which names the delivery, is missing", name)
	}
}

// JSON is the id in a body that is JSON, under names with dots between, as in
// "event.id".
func JSON(path string) ID {
	names := strings.Split(path, ".")
	return func(_ http.Header, body []byte) (string, error) {
		value := json.RawMessage(body)
		for _, name := range names {
			var object map[string]json.RawMessage
			if err := json.Unmarshal(value, &object); err != nil {
				return "", errors.New("the body is not a JSON object")
			}
			value = object[name]
		}
		return scalar(value, path)
	}
}

// scalar is a text or a number.
func scalar(value json.RawMessage, path string) (string, error) {
	var text string
	if err := json.Unmarshal(value, &text); err == nil && text != "" {
		return text, nil
	}
	var number json.Number
	if err := json.Unmarshal(value, &number); err == nil && number != "" {
		return number.String(), nil
	}
	return "", fmt.Errorf("the body has no %s, which names the delivery", path)
}
