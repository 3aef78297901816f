package standalone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
)

// clustered tells whether the program is one of several nodes.
func (a *App) clustered() bool { return a.Advertise != "" }

func (a *App) checkCluster() error {
	switch {
	case !a.clustered() && (a.ClusterKey != "" || a.ClusterListen != "" || a.certified()):
		return errors.New("--cluster-key, --cluster-cert and --cluster-listen are for the nodes of a cluster: name the address at which others reach this one with --advertise")
	case !a.clustered():
		return nil
	case !a.onPostgres():
		return fmt.Errorf("--advertise is for clusters, which need a store that nodes share, as in --store postgres://…; %s is for one process", a.Store)
	}
	if err := a.checkTrust(); err != nil {
		return err
	}
	if host, _, err := net.SplitHostPort(a.Advertise); err != nil || host == "" || host == "0.0.0.0" || host == "::" {
		return fmt.Errorf("--advertise %q: write the host and port at which other nodes reach this one, as in 10.0.0.7:8082", a.Advertise)
	}
	if a.ClusterListen == "" {
		return nil
	}
	return checkAddress("cluster-listen", a.ClusterListen)
}

// checkShared tells what nodes of a cluster cannot have each for itself.
func (a *App) checkShared(parts []talix.Part) error {
	if a.clustered() && a.Broker == "embedded" && a.Brokers[""] == nil && slices.Contains(runtime.Brokers(parts...), "") {
		return errors.New("--broker embedded is for one process: name a server that all nodes of the cluster reach, as in --broker nats://10.0.0.5:4222")
	}
	return nil
}

// refuseNodes keeps a program that is no node from a store on which some work.
func (a *App) refuseNodes(ctx context.Context, s store.Leases) error {
	if a.clustered() {
		return nil
	}
	nodes, err := s.Nodes(ctx)
	if err != nil {
		return err
	}
	for _, n := range nodes {
		if n.Left > 0 {
			return fmt.Errorf("the node %s of a cluster works on this store: join it with --advertise and what its nodes know each other by, or stop all nodes first", n.Name)
		}
	}
	return nil
}

// peers is where other nodes reach this one.
type peers struct {
	listener net.Listener
	http     *http.Server
	failed   chan error
}

// listenPeers listens for other nodes, and completes the advertised address if
// its port is to be a free one; nil for a program that is no node.
func (a *App) listenPeers(ctx context.Context) (*peers, error) {
	if !a.clustered() {
		return nil, nil
	}
	address := a.ClusterListen
	if address == "" {
		address = a.Advertise
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w: name an address of this machine with --cluster-listen, as in :8082", address, err)
	}
	if host, free := strings.CutSuffix(a.Advertise, ":0"); free {
		_, port, _ := net.SplitHostPort(listener.Addr().String()) // it has one
		a.Advertise = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	return &peers{listener: listener, failed: make(chan error, 1)}, nil
}

// config is that of the runtime's part in a cluster.
func (p *peers) config(a *App) *runtime.ClusterConfig {
	if p == nil {
		return nil
	}
	return &runtime.ClusterConfig{Address: a.Advertise, Key: a.ClusterKey, TLS: a.clusterTLS()}
}

// serve answers other nodes.
func (p *peers) serve(a *App, rt *runtime.Runtime) {
	if p == nil {
		return
	}
	p.http = &http.Server{
		Handler: rt.PeerHandler(), TLSConfig: rt.PeerTLS(), Protocols: new(http.Protocols),
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelWarn),
	}
	p.http.Protocols.SetUnencryptedHTTP2(p.http.TLSConfig == nil)
	p.http.Protocols.SetHTTP2(p.http.TLSConfig != nil)
	go func() {
		if err := p.run(); !errors.Is(err, http.ErrServerClosed) {
			p.failed <- fmt.Errorf("serve other nodes: %w", err)
		}
	}()
}

func (p *peers) run() error {
	if p.http.TLSConfig != nil {
		return p.http.ServeTLS(p.listener, "", "")
	}
	return p.http.Serve(p.listener)
}

// failures is where it is told that other nodes are served no more.
func (p *peers) failures() <-chan error {
	if p == nil {
		return nil
	}
	return p.failed
}

// stop ends what others have asked for, or only stops listening.
func (p *peers) stop() {
	switch {
	case p == nil:
	case p.http == nil:
		_ = p.listener.Close() // nobody has connected
	default:
		_ = p.http.Close() // the node owns nothing any more
	}
}

// handOver gives what a node owns to the others, so that requests that are still
// under way and new ones find it there.
func (a *App) handOver(rt *runtime.Runtime) {
	ctx, cancel := context.WithTimeout(context.Background(), stopWithin)
	defer cancel()
	if err := rt.Cluster().Drain(ctx); err != nil {
		a.Log.Warn("hand over to other nodes; they take what is left when the lease has ended", "error", err)
	}
}
