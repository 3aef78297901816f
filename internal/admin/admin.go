// Package admin asks running programs, by the JSON API that package console
// serves below /api/v1/.
package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Default is where programs have their API if nothing else is said.
const Default = "127.0.0.1:8081"

// Client asks one program. Its methods may be called from many goroutines.
type Client struct {
	base  string
	token string
	name  string // of who asks
	http  *http.Client
}

// New makes a client of the program whose API is at an address: as in
// 127.0.0.1:8081, in :8081 for this machine, or in https://console.example.org.
// Token is what the program asks for; empty: nothing.
func New(address, token string) (*Client, error) {
	base, err := baseOf(address)
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	return &Client{base: base, token: token, http: &http.Client{
		Transport: transport,
		// The API leads nowhere else, and the token is for it alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// As is a client of the same program, and the same connections, that says what
// asks, such as talix-mcp: the program's audit log tells it.
func (c *Client) As(name string) *Client {
	other := *c
	other.name = name
	return &other
}

// Close closes idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// URL is where the program is asked.
func (c *Client) URL() string { return c.base }

// baseOf makes a URL of what programs and people write as an address.
func baseOf(address string) (string, error) {
	text := address
	if !strings.Contains(text, "://") {
		text = "http://" + text
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return "", fmt.Errorf("the address %q is none of a program: write one as in 127.0.0.1:8081 or https://console.example.org", address)
	}
	switch host := u.Hostname(); host {
	case "", "0.0.0.0", "::": // where a program listens on all addresses
		u.Host = net.JoinHostPort("127.0.0.1", u.Port())
	}
	return u.Scheme + "://" + u.Host + strings.TrimRight(u.Path, "/"), nil
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 256 << 20

// Get asks for what is at a path below /api/v1/. Errors that the program tells
// are of type *Problem.
func (c *Client) Get(ctx context.Context, path string, query url.Values) (json.RawMessage, error) {
	return c.ask(ctx, http.MethodGet, path, query, nil)
}

// Post asks for something to be done. In is sent as JSON.
func (c *Client) Post(ctx context.Context, path string, in any) (json.RawMessage, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return c.ask(ctx, http.MethodPost, path, nil, body)
}

func (c *Client) ask(ctx context.Context, method, path string, query url.Values, body []byte) (json.RawMessage, error) {
	resp, err := c.send(ctx, method, path, query, body, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer of %s: %w", c.base, err)
	}
	if !json.Valid(data) {
		return nil, c.notOurs(resp)
	}
	return data, nil
}

// send makes a request, whose answer is a good one.
func (c *Client) send(ctx context.Context, method, path string, query url.Values, body []byte, header http.Header) (*http.Response, error) {
	at := c.base + "/api/v1/" + path
	if len(query) > 0 {
		at += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, method, at, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	for name, values := range header {
		req.Header[name] = values
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if c.name != "" {
		req.Header.Set("Talix-Client", c.name)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.unreached(err)
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	return nil, c.problem(resp)
}

// unreached says what to do where nobody answers.
func (c *Client) unreached(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // it names the URL, which is named below
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return fmt.Errorf("no program answers at %s: start it, or name the address of its --admin with --admin or TALIX_ADMIN: %w", c.base, err)
	}
	return fmt.Errorf("ask %s: %w", c.base, err)
}
