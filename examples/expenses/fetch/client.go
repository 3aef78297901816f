// Package fetch downloads a file from a URL that a stranger gave: within
// limits of size and time, and from public addresses only.
package fetch

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"time"
)

// Config of a Client. The zero value downloads from public addresses alone.
type Config struct {
	// MaxBytes is the largest file that is taken. Defaults to 20 MiB.
	MaxBytes int64
	// Timeout bounds a download from the look-up of the name to the last
	// byte. Defaults to 30 s.
	Timeout time.Duration
	// MaxRedirects is how many redirects are followed; negative for none.
	// Defaults to 5.
	MaxRedirects int
	// AllowPrivate also takes addresses that are not public, such as those
	// of this machine and of its network: for tests and closed networks.
	AllowPrivate bool
	// Allow names addresses that are taken although they are not public,
	// such as that of a file server in the same network. Defaults to none.
	Allow []netip.Prefix
	// UserAgent is what servers are told. Defaults to "talix-expenses".
	UserAgent string
}

func (c Config) withDefaults() Config {
	if c.MaxBytes <= 0 {
		c.MaxBytes = 20 << 20
	}
	if c.Timeout <= 0 {
		c.Timeout = 30 * time.Second
	}
	if c.MaxRedirects == 0 {
		c.MaxRedirects = 5
	}
	if c.UserAgent == "" {
		c.UserAgent = "talix-expenses"
	}
	return c
}

// Client downloads files. It may be used from many goroutines at once.
type Client struct {
	config Config
	http   *http.Client
}

// New makes a client. It takes no proxy from the environment, since a proxy
// would connect where this process may not.
func New(config Config) *Client {
	c := &Client{config: config.withDefaults()}
	dialer := &net.Dialer{ControlContext: c.control}
	c.http = &http.Client{
		Transport: &http.Transport{
			DialContext:            dialer.DialContext,
			DisableCompression:     true, // so that MaxBytes speaks of what is kept
			DisableKeepAlives:      true, // strangers' connections are not kept
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: c.checkRedirect,
	}
	return c
}

// Get starts a download and answers when the remote's headers are there. The
// caller reads File.Body to its end and closes it; the limits hold until then.
//
// Its errors, and those of reading the body, are of type *Error, or ctx's own
// where the caller gave up.
func (c *Client) Get(ctx context.Context, address string) (*File, error) {
	u, err := parse(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.config.Timeout, c.timedOut())
	file, err := c.get(ctx, cancel, u.String())
	if err != nil {
		err = c.explain(ctx, u.Hostname(), err)
		cancel()
		return nil, err
	}
	return file, nil
}

func (c *Client) get(ctx context.Context, cancel func(), address string) (*File, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, badURL("the URL can't be used: %v", err)
	}
	request.Header.Set("User-Agent", c.config.UserAgent)
	request.Header.Set("Accept-Encoding", "identity")
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	if err := c.checkResponse(response); err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	body := &body{ctx: ctx, cancel: cancel, client: c, response: response, left: c.config.MaxBytes}
	return newFile(response, body), nil
}

func (c *Client) checkResponse(r *http.Response) error {
	if r.StatusCode != http.StatusOK {
		return badStatus(r)
	}
	if r.ContentLength > c.config.MaxBytes {
		return c.tooLarge()
	}
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return unreachable(nil, "the server sent the file with the encoding %.20q, which was not asked for", encoding)
	}
	return nil
}

func (c *Client) checkRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > max(c.config.MaxRedirects, 0) {
		return unreachable(nil, "the server redirects more than %d times", max(c.config.MaxRedirects, 0))
	}
	request.Header.Del("Referer")
	return checkURL(request.URL)
}
