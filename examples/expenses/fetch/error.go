package fetch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
)

// Kind says why a download failed.
type Kind string

// The kinds of Error.
const (
	BadURL      Kind = "bad_url"     // the URL is not one that may be downloaded
	Refused     Kind = "refused"     // it leads to an address that is not public
	TooLarge    Kind = "too_large"   // the file is larger than Config.MaxBytes
	BadStatus   Kind = "bad_status"  // the server answered with another status than 200
	Unreachable Kind = "unreachable" // no connection, or it broke, or the answer was not HTTP
	TimedOut    Kind = "timed_out"   // Config.Timeout passed
)

// Error is why a file could not be downloaded, in words for the one who gave
// the URL. It names no address that the URL does not name.
type Error struct {
	Kind   Kind
	Status int // of the server's answer, with BadStatus

	text  string
	cause error
}

// Error says what is wrong and, where it can be mended, how.
func (e *Error) Error() string { return e.text }

// Unwrap gives what was met underneath, for the log.
func (e *Error) Unwrap() error { return e.cause }

// Invalid says that another URL has to be given (422); otherwise the remote
// failed, and the same URL may work later (502 or 504).
func (e *Error) Invalid() bool {
	return e.Kind != Unreachable && e.Kind != TimedOut
}

func badURL(format string, args ...any) *Error {
	return &Error{Kind: BadURL, text: fmt.Sprintf(format, args...)}
}

func refused(what string) *Error {
	return &Error{Kind: Refused, text: "the URL leads to an address that is " + what + ": give a URL of a public server"}
}

func badStatus(r *http.Response) *Error {
	text := fmt.Sprintf("the server answered %d %s: give the URL of a file that can be downloaded without signing in",
		r.StatusCode, http.StatusText(r.StatusCode))
	return &Error{Kind: BadStatus, Status: r.StatusCode, text: text}
}

func unreachable(cause error, format string, args ...any) *Error {
	return &Error{Kind: Unreachable, text: fmt.Sprintf(format, args...), cause: cause}
}

func (c *Client) tooLarge() *Error {
	return &Error{Kind: TooLarge, text: fmt.Sprintf("the file is larger than %s", size(c.config.MaxBytes))}
}

func (c *Client) timedOut() *Error {
	return &Error{Kind: TimedOut, text: fmt.Sprintf("the download took longer than %s", c.config.Timeout)}
}

// explain makes an *Error of what the HTTP client met, or gives the caller's
// own error back where the caller gave up.
func (c *Client) explain(ctx context.Context, host string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return unreachable(err, "the server %q can't be found", host)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return unreachable(err, "no connection to the server %q", host)
	}
	return unreachable(err, "the server %q broke off the download, or did not answer as a web server does", host)
}

func size(n int64) string {
	if n%(1<<20) == 0 {
		return fmt.Sprintf("%d MiB", n>>20)
	}
	return fmt.Sprintf("%d bytes", n)
}
