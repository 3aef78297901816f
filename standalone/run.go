package standalone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
)

// stopWithin bounds how long requests under way may take to end.
const stopWithin = 10 * time.Second

// Run runs the program until ctx ends, then stops it gracefully: no new
// requests, those under way are answered, marks are stored.
func (a *App) Run(ctx context.Context, parts ...talix.Part) (err error) {
	if err := errors.Join(a.checkAdmin(), a.checkShared(parts)); err != nil {
		return err
	}
	events, tables, err := a.openStores(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tables.Close(), events.Close()) }()

	keys, err := a.openKeys(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, keys.Close()) }()

	brokers, closeBroker, err := a.openBroker(parts)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeBroker()) }()

	others, err := a.listenPeers(ctx)
	if err != nil {
		return err
	}
	defer others.stop()
	parts, counted := withMeter(parts)
	rt, err := runtime.New(ctx, runtime.Config{
		Store: events, Tables: tables, Keys: keys, Brokers: brokers, Parts: parts, Log: a.Log, Cluster: others.config(a),
	})
	if err != nil {
		return err
	}
	defer rt.Stop()
	others.serve(a, rt)

	triggers, err := a.serve(ctx, "listening", a.Listen, rt.Handler())
	if err != nil {
		return err
	}
	triggers.http.RegisterOnShutdown(rt.EndWatches) // or it would wait for those who watch
	defer triggers.stop()
	rt.Start()
	pages := a.newConsole(rt, counted)
	operators, err := a.adminHandler(rt, pages)
	if err != nil {
		return err
	}
	admin, err := a.serve(ctx, "admin", a.Admin, operators)
	if err != nil {
		return err
	}
	admin.http.RegisterOnShutdown(pages.Close)
	defer admin.stop()

	select {
	case <-ctx.Done():
	case err = <-triggers.failed:
	case err = <-admin.failed:
	case err = <-others.failures():
	}
	a.Log.Info("stopping")
	a.handOver(rt)
	return err
}

// server is one listener that is being served.
type server struct {
	http   *http.Server
	failed chan error
}

func (a *App) serve(ctx context.Context, what, address string, h http.Handler) (*server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: choose another address with --%s", address, err, flagOf(what))
	}
	s := &server{
		http: &http.Server{
			Handler:           h,
			ReadHeaderTimeout: 10 * time.Second,
			ReadTimeout:       5 * time.Minute, // a body may be a large stream
			IdleTimeout:       2 * time.Minute,
			MaxHeaderBytes:    64 << 10,
		},
		failed: make(chan error, 1),
	}
	go func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", address, err)
		}
	}()
	_, err = fmt.Fprintf(a.Out, "%s on http://%s\n", what, listener.Addr())
	return s, err
}

func flagOf(what string) string {
	if what == "admin" {
		return "admin"
	}
	return "listen"
}

func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := s.http.Shutdown(ctx); err != nil {
		_ = s.http.Close() // requests that take longer are cut
	}
}
