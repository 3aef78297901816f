package fetch_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/talix-dev/talix/examples/expenses/fetch"
)

var private = fetch.Config{AllowPrivate: true}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

func read(t *testing.T, config fetch.Config, address string) (*fetch.File, string, error) {
	t.Helper()
	file, err := fetch.New(config).Get(t.Context(), address)
	if err != nil {
		return nil, "", err
	}
	content, err := io.ReadAll(file.Body)
	if err := file.Body.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	return file, string(content), err
}

func expectKind(t *testing.T, err error, want fetch.Kind) {
	t.Helper()
	got, ok := errors.AsType[*fetch.Error](err)
	if !ok || got.Kind != want {
		t.Errorf("error = %v, want one of kind %q", err, want)
	}
}

func TestDownloads(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "total 11.55")
	})
	file, content, err := read(t, private, " "+server.URL+"/a/receipt%20one.txt?x=1#top ")
	if err != nil {
		t.Fatal(err)
	}
	if content != "total 11.55" || file.Name != "receipt one.txt" || file.MediaType != "text/plain" || file.Size != 11 {
		t.Errorf("got %+v, %q", file, content)
	}
}

func TestRefusesURLs(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"", "  ", "receipt.pdf", "/receipt.pdf", "//example.com/a", "ftp://example.com/a", "file:///etc/passwd",
		"http://", "http:///a", "http://user@example.com/", "https://user:password@example.com/",
		"http://example.com:0/", "http://example.com:99999/", "http://exa mple.com/", "http://[::1/", "http://a\x7f/",
		"javascript:alert(1)", "http:example.com", "https://example.com/" + strings.Repeat("a", 5000), "%zz",
	} {
		_, _, err := read(t, private, address)
		expectKind(t, err, fetch.BadURL)
		if invalid, ok := errors.AsType[*fetch.Error](err); ok && (!invalid.Invalid() || strings.Contains(invalid.Error(), "password@")) {
			t.Errorf("%q: %v", address, err)
		}
	}
}

// None of these may be connected to; some are names that resolve to them.
func TestRefusesAddressesThatAreNotPublic(t *testing.T) {
	t.Parallel()
	for _, host := range []string{
		"127.0.0.1", "127.1.2.3", "localhost", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
		"169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.1", "192.0.2.1", "198.18.0.1", "198.19.255.255",
		"224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]",
		"[::127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b:1::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fec0::1]", "[ff02::1]",
		"[2002:7f00:1::]", "[2001::1]", "[2001:db8::1]", "[100::1]", "[4000::1]",
	} {
		_, _, err := read(t, fetch.Config{Timeout: 5 * time.Second}, "http://"+host+":9/")
		if refusedOrNoRoute(err) {
			continue
		}
		t.Errorf("%s: %v, want it refused", host, err)
	}
}

// refusedOrNoRoute also takes a machine without IPv6, where no socket can be
// made to check.
func refusedOrNoRoute(err error) bool {
	got, ok := errors.AsType[*fetch.Error](err)
	if ok && got.Kind == fetch.Unreachable {
		_, isDial := errors.AsType[*net.OpError](got.Unwrap())
		return isDial && strings.Contains(got.Unwrap().Error(), "address family not supported")
	}
	return ok && got.Kind == fetch.Refused
}

func TestPublicAddressesPass(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"1.1.1.1", "8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "2a00:1450::1", "::ffff:8.8.8.8"} {
		if what := fetch.NotPublic(netip.MustParseAddr(addr)); what != "" {
			t.Errorf("%s is called %s", addr, what)
		}
	}
}

// The first server is allowed by name of its address; the redirect leads to
// another loopback address.
func TestChecksRedirects(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{}, 9)
	inner := serve(t, func(http.ResponseWriter, *http.Request) { reached <- struct{}{} })
	_, port, err := net.SplitHostPort(inner.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	var target string
	outer := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target, http.StatusFound) })
	config := fetch.Config{Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}
	for to, kind := range map[string]fetch.Kind{
		"http://127.0.0.2:" + port + "/":        fetch.Refused,
		"http://[::ffff:127.0.0.2]:" + port:     fetch.Refused,
		"file:///etc/passwd":                    fetch.BadURL,
		"http://user:pw@127.0.0.1:" + port + "": fetch.BadURL,
	} {
		target = to
		_, _, err := read(t, config, outer.URL)
		expectKind(t, err, kind)
	}
	select {
	case <-reached:
		t.Error("the inner server was reached")
	default:
	}
}

func TestFollowsSomeRedirects(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Referer") != "" {
			t.Errorf("the server was told the Referer %q", r.Header.Get("Referer"))
		}
		var n int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &n)
		if n > 0 {
			http.Redirect(w, r, fmt.Sprintf("/%d", n-1), http.StatusFound)
		}
	})
	for _, c := range []struct {
		limit, redirects int
		ok               bool
	}{{0, 5, true}, {0, 6, false}, {2, 2, true}, {2, 3, false}, {-1, 0, true}, {-1, 1, false}} {
		_, _, err := read(t, fetch.Config{AllowPrivate: true, MaxRedirects: c.limit}, fmt.Sprintf("%s/%d", server.URL, c.redirects))
		if (err == nil) != c.ok {
			t.Errorf("%d redirects with the limit %d: %v", c.redirects, c.limit, err)
		}
	}
}

func TestLimitsTheSize(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/announced" {
			w.Header().Set("Content-Length", "1001")
		}
		for range 100 {
			_, _ = io.WriteString(w, "0123456789")
			w.(http.Flusher).Flush()
		}
		if r.URL.Path != "/exact" {
			_, _ = io.WriteString(w, "x")
		}
	})
	config := fetch.Config{AllowPrivate: true, MaxBytes: 1000}
	_, content, err := read(t, config, server.URL+"/exact")
	if err != nil || len(content) != 1000 {
		t.Errorf("a file of the allowed size: %d bytes, %v", len(content), err)
	}
	_, content, err = read(t, config, server.URL+"/more")
	expectKind(t, err, fetch.TooLarge)
	if len(content) > 1000 {
		t.Errorf("gave %d bytes", len(content))
	}
	_, _, err = read(t, config, server.URL+"/announced")
	expectKind(t, err, fetch.TooLarge)
}

func TestLimitsTheTime(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			_, _ = io.WriteString(w, "begins")
			w.(http.Flusher).Flush()
		}
		<-release
	})
	t.Cleanup(func() { close(release) })
	config := fetch.Config{AllowPrivate: true, Timeout: 50 * time.Millisecond}
	for _, path := range []string{"/headers", "/body"} {
		_, _, err := read(t, config, server.URL+path)
		expectKind(t, err, fetch.TimedOut)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	if _, err := fetch.New(private).Get(ctx, server.URL); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v, want context.Canceled", err)
	}
}

func TestOtherStatusIsNoFile(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var status int
		_, _ = fmt.Sscanf(r.URL.Path, "/%d", &status)
		w.WriteHeader(status)
	})
	for _, status := range []int{201, 204, 206, 301, 304, 400, 401, 404, 500, 503} {
		_, _, err := read(t, private, fmt.Sprintf("%s/%d", server.URL, status))
		expectKind(t, err, fetch.BadStatus)
		if got, ok := errors.AsType[*fetch.Error](err); ok && got.Status != status {
			t.Errorf("Status = %d, want %d", got.Status, status)
		}
	}
}

func TestRemoteFails(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cut":
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "begins")
		case "/gzip":
			w.Header().Set("Content-Encoding", "gzip")
		default:
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = io.WriteString(conn, "no http\r\n\r\n")
			_ = conn.Close()
		}
	})
	addresses := []string{server.URL + "/cut", server.URL + "/gzip", server.URL + "/other", "http://no.such.host.invalid/"}
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, address := range append(addresses, closed.URL) {
		_, _, err := read(t, private, address)
		expectKind(t, err, fetch.Unreachable)
		if e, ok := errors.AsType[*fetch.Error](err); ok && e.Invalid() {
			t.Errorf("%s: called the caller's fault", address)
		}
	}
}

func TestTakesNoProxyFromTheEnvironment(t *testing.T) { //nolint:paralleltest // sets the environment
	proxied := make(chan struct{}, 1)
	proxy := serve(t, func(http.ResponseWriter, *http.Request) { proxied <- struct{}{} })
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	_, _, err := read(t, fetch.Config{AllowPrivate: true, Timeout: 5 * time.Second}, "http://no.such.host.invalid/")
	expectKind(t, err, fetch.Unreachable)
	select {
	case <-proxied:
		t.Error("the proxy was asked")
	default:
	}
}
