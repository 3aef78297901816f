// Package peer carries questions from one node of a cluster to another: JSON over
// HTTP/2, with a key that all nodes share.
package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"
)

// ErrElsewhere: the node that was asked is not the one to ask; it has done
// nothing. Handlers return it, and Ask does, as an *Elsewhere.
var ErrElsewhere = errors.New("another node is to be asked")

// Elsewhere is ErrElsewhere with the name of the node that is to be asked; empty:
// that is not known.
type Elsewhere struct{ Node string }

// Error implements error.
func (e *Elsewhere) Error() string { return ErrElsewhere.Error() }

// Is tells that it is ErrElsewhere.
func (e *Elsewhere) Is(target error) bool { return target == ErrElsewhere }

// ErrUnreached: the node was not reached, so it has done nothing.
var ErrUnreached = errors.New("the node was not reached")

// maxMessage bounds a question and an answer, in bytes.
const maxMessage = 512 << 20

const (
	prefix        = "/talix/peer/"
	timeoutHeader = "Talix-Timeout" // milliseconds that the asking node waits
	nodeHeader    = "Talix-Node"    // that is to be asked instead
)

// Client asks other nodes. Its methods may be called from many goroutines.
type Client struct {
	http *http.Client
	key  string
}

// NewClient makes a Client; Close ends its connections.
func NewClient(key string) *Client {
	var only http.Protocols
	only.SetUnencryptedHTTP2(true)
	dialer := &net.Dialer{Timeout: time.Second}
	return &Client{key: key, http: &http.Client{Transport: &http.Transport{
		Protocols: &only,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				err = fmt.Errorf("%w: %w", ErrUnreached, err)
			}
			return conn, err
		},
		HTTP2:           &http.HTTP2Config{SendPingTimeout: time.Second, PingTimeout: 2 * time.Second},
		IdleConnTimeout: time.Minute,
	}}}
}

// Close ends connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ask puts a question to the node at an address, as in host:port, and reads its
// answer. Any error but ErrElsewhere and ErrUnreached leaves open whether the
// node has done what was asked.
func (c *Client) Ask(ctx context.Context, address, name string, question, answer any) error {
	body, err := json.Marshal(question)
	if err != nil {
		return fmt.Errorf("ask node: %w: %w", ErrUnreached, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+prefix+name, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask node: %w: %w", ErrUnreached, err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	if end, ok := ctx.Deadline(); ok {
		req.Header.Set(timeoutHeader, strconv.FormatInt(time.Until(end).Milliseconds(), 10))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	defer resp.Body.Close()
	return read(resp, address, answer)
}

func read(resp *http.Response, address string, answer any) error {
	switch resp.StatusCode {
	case http.StatusOK:
		err := json.NewDecoder(io.LimitReader(resp.Body, maxMessage)).Decode(answer)
		if err != nil {
			err = fmt.Errorf("read answer of node: %w", err)
		}
		return err
	case http.StatusMisdirectedRequest:
		return &Elsewhere{resp.Header.Get(nodeHeader)}
	case http.StatusUnauthorized:
		return fmt.Errorf("ask node: %w: %s does not take the key: give all nodes the same one", ErrUnreached, address)
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // it is for people
	return fmt.Errorf("ask node: %s answers %s: %s", address, resp.Status, text)
}

// Handler answers a question, which it decodes.
type Handler func(ctx context.Context, decode func(question any) error) (answer any, err error)

// Serve answers the questions of those who have the key, by their names.
func Serve(key string, log *slog.Logger, handlers map[string]Handler) http.Handler {
	want := sha256.Sum256([]byte("Bearer " + key))
	mux := http.NewServeMux()
	for name, h := range handlers {
		mux.HandleFunc("POST "+prefix+name, func(w http.ResponseWriter, r *http.Request) { serve(w, r, log, name, h) })
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			http.Error(w, "the key is not that of this cluster", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func serve(w http.ResponseWriter, r *http.Request, log *slog.Logger, name string, h Handler) {
	ctx, cancel := bounded(r)
	defer cancel()
	answer, err := h(ctx, func(question any) error {
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxMessage)).Decode(question); err != nil {
			return fmt.Errorf("read question: %w", err)
		}
		return nil
	})
	switch {
	case errors.Is(err, ErrElsewhere):
		if e, ok := errors.AsType[*Elsewhere](err); ok && e.Node != "" {
			w.Header().Set(nodeHeader, e.Node)
		}
		http.Error(w, err.Error(), http.StatusMisdirectedRequest)
	case err != nil:
		log.Warn("answer another node", "question", name, "from", r.RemoteAddr, "error", err)
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // who asked is gone
	}
}

// bounded is the request's context, which ends when the asking node waits no
// more.
func bounded(r *http.Request) (context.Context, context.CancelFunc) {
	ms, err := strconv.ParseInt(r.Header.Get(timeoutHeader), 10, 64)
	if err != nil || ms < 0 || ms > 1<<40 {
		return context.WithCancel(r.Context())
	}
	return context.WithTimeout(r.Context(), time.Duration(ms)*time.Millisecond)
}
