// Package blackbox tests the examples from outside: as processes, over HTTP,
// and with a kill -9 now and then.
package blackbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// client talks to one process.
type client struct{ http *http.Client }

func newClient(t *testing.T) client {
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return client{&http.Client{Transport: transport, Timeout: 30 * time.Second}}
}

// answer is what a request got.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// call sends a request; an error means that no answer came.
func (c client) call(method, url, key, body string) (answer, error) {
	req, err := http.NewRequest(method, url, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, data}, err
}

// get reads JSON from a URL that has to answer 200.
func (c client) get(url string, v any) error {
	a, err := c.call("GET", url, "", "")
	if err != nil {
		return err
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("%s: %d %s", url, a.status, a.body)
	}
	return json.Unmarshal(a.body, v)
}

func (c client) mustGet(t *testing.T, url string, v any) {
	t.Helper()
	if err := c.get(url, v); err != nil {
		t.Fatal(err)
	}
}
