package rig

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/talix-dev/talix/internal/process"
	"github.com/talix-dev/talix/internal/torture/line"
)

// Node is one process, with the lines that lead to it and from it.
type Node struct {
	// Name is its letter.
	Name string
	// Database carries what it says to the database; Peers carries what other
	// nodes say to it.
	Database, Peers *line.Line

	rig     *Rig
	process *process.Process
	lives   int
	healthy atomic.Bool // a balancer would send requests to it
}

func (r *Rig) newNode(ctx context.Context, name string) (*Node, error) {
	n := &Node{Name: name, rig: r}
	port, err := process.FreePort(ctx)
	if err != nil {
		return nil, err
	}
	listen := fmt.Sprintf("127.0.0.1:%d", port)
	if n.Database, err = line.New(ctx, r.server.Address()); err != nil {
		return nil, err
	}
	if n.Peers, err = line.New(ctx, listen); err != nil {
		n.Database.Close()
		return nil, err
	}
	n.process = r.cfg.Program.New(process.Config{
		Args: []string{
			"--store", r.server.At(n.Database.Address()), "--advertise", n.Peers.Address(),
			"--cluster-listen", listen, "--cluster-key", "a secret of the torture",
		},
		Env:  []string{"TORTURE_SINK=" + r.cfg.Sink},
		Data: filepath.Join(r.cfg.Dir, "data-"+name),
		// A node under faults, on a slow machine, with the race detector on.
		Limit: 2 * time.Minute,
	})
	return n, nil
}

// Start starts the node, which is dead, and returns when it is ready.
func (n *Node) Start(ctx context.Context) error {
	n.lives++
	if err := n.process.Start(ctx); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	n.healthy.Store(true)
	return nil
}

// Kill ends the node at once.
func (n *Node) Kill() error {
	n.healthy.Store(false)
	return n.end(n.process.Kill)
}

// Stop ends the node in order.
func (n *Node) Stop() error {
	n.healthy.Store(false)
	return n.end(n.process.Stop)
}

func (n *Node) end(do func() error) error {
	if err := do(); err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	return n.keepOutput()
}

// keepOutput writes what the node's life wrote to a file of its own.
func (n *Node) keepOutput() error {
	if !n.process.Started() {
		return nil
	}
	name := filepath.Join(n.rig.cfg.Dir, fmt.Sprintf("node-%s-%d.log", n.Name, n.lives))
	return os.WriteFile(name, []byte(n.process.Output()), 0o600)
}

// Suspend has the node hang until Resume.
func (n *Node) Suspend(ctx context.Context) error {
	n.healthy.Store(false)
	return n.process.Suspend(ctx)
}

// Resume lets the node go on.
func (n *Node) Resume() error {
	defer n.healthy.Store(true)
	return n.process.Resume()
}

// Unhealthy tells clients that choose that the node is not to be used, until
// Healthy.
func (n *Node) Unhealthy() { n.healthy.Store(false) }

// Healthy takes Unhealthy back.
func (n *Node) Healthy() { n.healthy.Store(true) }

// URL is where clients reach the node; empty: it does not listen yet.
func (n *Node) URL() string {
	if !n.process.Started() {
		return ""
	}
	return n.process.URL()
}

// ready is nil when the node says that it is.
func (n *Node) ready(ctx context.Context) error {
	select {
	case <-n.process.Exited():
		return fmt.Errorf("node %s has exited by itself:\n%s", n.Name, n.process.Output())
	default:
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, n.process.AdminURL()+"/readyz", nil)
	if err != nil {
		return err
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("node %s: %w", n.Name, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("node %s is not ready: %s", n.Name, resp.Status)
	}
	return nil
}

func (n *Node) close() error {
	err := n.Kill()
	n.Database.Close()
	n.Peers.Close()
	return err
}
