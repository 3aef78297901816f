// Package peer carries questions from one node of a cluster to another: JSON over
// HTTP/2, with a key that all nodes share, with certificates, or with both.
package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
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

// Trust is how nodes know each other: by a key that all share, by certificates,
// or by both.
type Trust struct {
	Key      string    // empty: none
	Identity *Identity // nil: nothing is encrypted
}

// Client asks other nodes. Its methods may be called from many goroutines.
type Client struct {
	http   *http.Client
	key    string
	scheme string
}

// NewClient makes a Client; Close ends its connections.
func NewClient(trust Trust) *Client {
	t := &http.Transport{
		Protocols:       new(http.Protocols),
		DialContext:     dial,
		HTTP2:           &http.HTTP2Config{SendPingTimeout: time.Second, PingTimeout: 2 * time.Second},
		IdleConnTimeout: time.Minute,
	}
	c := &Client{key: trust.Key, scheme: "http://", http: &http.Client{Transport: t}}
	if trust.Identity == nil {
		t.Protocols.SetUnencryptedHTTP2(true)
		return c
	}
	t.Protocols.SetHTTP2(true)
	t.DialTLSContext = trust.Identity.dial
	c.scheme = "https://"
	return c
}

// How long it may take to reach a node, and to agree with it how to encrypt.
const (
	dialWithin  = time.Second
	agreeWithin = 5 * time.Second
)

func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: dialWithin}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		err = fmt.Errorf("%w: %w", ErrUnreached, err)
	}
	return conn, err
}

// dial reaches a node that has a certificate.
func (i *Identity) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, agreeWithin)
	defer cancel()
	encrypted := tls.Client(conn, i.now().client())
	if err := encrypted.HandshakeContext(ctx); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("%w: %s shows no certificate that this node takes: give all nodes one of the same CA: %w", ErrUnreached, address, err)
	}
	return encrypted, nil
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
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.scheme+address+prefix+name, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask node: %w: %w", ErrUnreached, err)
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	if end, ok := ctx.Deadline(); ok {
		req.Header.Set(timeoutHeader, strconv.FormatInt(time.Until(end).Milliseconds(), 10))
	}
	resp, err := c.http.Do(req)
	if err != nil && isRefusal(err) {
		return fmt.Errorf("ask node: %w: %s does not take the certificate of this node: give all nodes one of the same CA: %w", ErrUnreached, address, err)
	}
	if err != nil {
		return fmt.Errorf("ask node: %w", err)
	}
	defer resp.Body.Close()
	return read(resp, address, answer)
}

// isRefusal tells that the other side has refused the certificate, which it does
// before it takes any question, but so late that who asks thinks that all is well.
// Where the line breaks before the refusal is read, it is not known as one.
func isRefusal(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" && op.Err != nil && strings.Contains(op.Err.Error(), "certificate")
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
		return fmt.Errorf("ask node: %w: %s does not take the key, or asks for a certificate: give all nodes the same key and CA", ErrUnreached, address)
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10)) // it is for people
	return fmt.Errorf("ask node: %s answers %s: %s", address, resp.Status, text)
}

// Handler answers a question, which it decodes.
type Handler func(ctx context.Context, decode func(question any) error) (answer any, err error)

// Serve answers the questions of those who have the key, the certificate, or
// both, by their names.
func Serve(trust Trust, log *slog.Logger, handlers map[string]Handler) http.Handler {
	mux := http.NewServeMux()
	for name, h := range handlers {
		mux.HandleFunc("POST "+prefix+name, func(w http.ResponseWriter, r *http.Request) { serve(w, r, log, name, h) })
	}
	want := sha256.Sum256([]byte("Bearer " + trust.Key))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		switch {
		case trust.Key == "" && trust.Identity == nil:
			http.Error(w, "this node knows no others", http.StatusUnauthorized)
		case trust.Key != "" && subtle.ConstantTimeCompare(got[:], want[:]) != 1:
			http.Error(w, "the key is not that of this cluster", http.StatusUnauthorized)
		case trust.Identity != nil && (r.TLS == nil || len(r.TLS.VerifiedChains) == 0):
			http.Error(w, "a certificate of this cluster is needed", http.StatusUnauthorized)
		default:
			mux.ServeHTTP(w, r)
		}
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
