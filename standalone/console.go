package standalone

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/console"
	"github.com/talix-dev/talix/console/meter"
	"github.com/talix-dev/talix/runtime"
)

// withMeter adds what the console counts with.
func withMeter(parts []talix.Part) ([]talix.Part, *meter.Meter) {
	m := meter.New(meter.Config{})
	return append([]talix.Part{talix.Use(m)}, parts...), m
}

// newConsole makes the console of a runtime.
func (a *App) newConsole(rt *runtime.Runtime, m *meter.Meter) *console.Console {
	c := console.Config{Runtime: rt, Meter: m, Token: a.AdminToken, Authorize: a.AdminAuthorize, ReadOnly: a.AdminReadOnly, Log: a.Log}
	if a.Store == "sqlite" {
		c.StoreSize = a.dataSize
	}
	return console.New(c)
}

// dataSize is how many bytes the files in the data folder have.
func (a *App) dataSize(ctx context.Context) (size int64, err error) {
	err = filepath.WalkDir(a.Data, func(_ string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // it was removed meanwhile
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.Type().IsRegular():
			if info, err := d.Info(); err == nil {
				size += info.Size()
			}
		}
		return nil
	})
	return size, err
}

// checkToken looks at a token that was given.
func (a *App) checkToken() error {
	if a.AdminToken != "" && len(a.AdminToken) < console.MinToken {
		return fmt.Errorf("--admin-token is too short to be a secret: use at least %d characters, such as those of: openssl rand -hex 16", console.MinToken)
	}
	return nil
}

// checkAdmin wants a token, or the program's own way to tell who may, where
// others than this machine can come to the console.
func (a *App) checkAdmin() error {
	if a.AdminToken == "" && a.AdminAuthorize == nil && !loopback(a.Admin) {
		return fmt.Errorf("--admin %s can be reached from other machines: set --admin-token, or TALIX_ADMIN_TOKEN, to a secret that the console will ask for, or use a loopback address as in 127.0.0.1:8081", a.Admin)
	}
	return a.checkToken()
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// adminHandler answers health checks to all. What plugins show is for those who
// may come in; the rest is the console's.
func (a *App) adminHandler(rt *runtime.Runtime, c http.Handler) (http.Handler, error) {
	plugins := http.NewServeMux()
	if err := rt.Pages(plugins); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := rt.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, pattern := plugins.Handler(r)
		if pattern == "" {
			c.ServeHTTP(w, r)
			return
		}
		secure(w.Header())
		switch {
		case a.admits(r):
			plugins.ServeHTTP(w, r)
		default:
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "send the token as Authorization: Bearer …, or ask under a loopback address", http.StatusUnauthorized)
		}
	})
	return mux, nil
}

// secure is for what plugins show, which has the console's origin: unless they
// say otherwise, no other site frames or reads it, and what is written into a page
// does not run.
func secure(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("X-Frame-Options", "DENY")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// admits tells whether a request may see what plugins show: AdminAuthorize lets it
// in, it has the token, or none is asked for and it names a loopback address, which no other site's name
// can lead to unseen.
func (a *App) admits(r *http.Request) bool {
	if a.AdminAuthorize != nil {
		_, err := a.AdminAuthorize(r)
		return err == nil
	}
	if a.AdminToken != "" {
		token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.AdminToken))
		return ok && subtle.ConstantTimeCompare(given[:], want[:]) == 1
	}
	if _, _, err := net.SplitHostPort(r.Host); err != nil {
		return loopback(net.JoinHostPort(r.Host, "80"))
	}
	return loopback(r.Host)
}
