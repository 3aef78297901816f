// Package database runs a PostgreSQL server of one's own, which may be crashed
// and hung.
package database

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/talix-dev/talix/internal/process"
)

// ErrMissing: this machine has no PostgreSQL.
var ErrMissing = errors.New("needs initdb, pg_ctl and a user that PostgreSQL may run as: apt-get install postgresql")

// Server is a PostgreSQL server on a free port of 127.0.0.1, with its data in a
// folder of its own. Its methods are called by one goroutine at a time.
type Server struct {
	// Options are given to the server when it starts, as in "-c fsync=off".
	Options string

	bin   string
	dir   string
	port  int
	owner owner
}

// New makes the data of a server that is not started yet; Close removes them. It
// fails with ErrMissing where there is no PostgreSQL.
func New(ctx context.Context) (*Server, error) {
	s := &Server{}
	if err := s.find(); err != nil {
		return nil, err
	}
	var err error
	if s.port, err = process.FreePort(ctx); err != nil {
		return nil, fmt.Errorf("make database: %w", err)
	}
	if s.dir, err = os.MkdirTemp("", "talix-postgres-"); err != nil { // below no folder that is closed to the server's user
		return nil, fmt.Errorf("make folder of the database: %w", err)
	}
	if err := s.initialize(ctx); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.dir))
	}
	return s, nil
}

// find looks for the programs, and for a user who is not root.
func (s *Server) find() error {
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb") // the pattern is well-formed
	if path, err := exec.LookPath("initdb"); err == nil {
		found = append(found, path)
	}
	if len(found) == 0 {
		return ErrMissing
	}
	s.bin = filepath.Dir(found[len(found)-1])
	return s.owner.find()
}

func (s *Server) initialize(ctx context.Context) error {
	if err := s.owner.give(s.dir); err != nil {
		return fmt.Errorf("give the folder to the database: %w", err)
	}
	return s.run(ctx, "initdb", "-D", s.data(), "-U", "talix", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Address is where the server listens, as in 127.0.0.1:5432.
func (s *Server) Address() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

// DSN names its database; At names it by way of another address.
func (s *Server) DSN() string { return s.At(s.Address()) }

// At is the DSN by way of another address than the server's.
func (s *Server) At(address string) string {
	return fmt.Sprintf("postgres://talix@%s/postgres?sslmode=disable", address)
}

// Log is what the server wrote.
func (s *Server) Log() string {
	text, _ := os.ReadFile(filepath.Join(s.dir, "log")) // there may be none
	return string(text)
}

// Start starts the server and returns when it takes connections. After a crash
// it recovers first.
func (s *Server) Start(ctx context.Context) error {
	options := fmt.Sprintf("-p %d -c listen_addresses=127.0.0.1 -c unix_socket_directories='%s' %s", s.port, s.dir, s.Options)
	return s.run(ctx, "pg_ctl", "-D", s.data(), "-l", filepath.Join(s.dir, "log"), "-t", "120", "-w", "-o", options, "start")
}

// Stop ends the server in order, and returns when it is gone.
func (s *Server) Stop(ctx context.Context) error {
	return s.run(ctx, "pg_ctl", "-D", s.data(), "-m", "fast", "-t", "120", "-w", "stop")
}

// Crash stops the server as a loss of power does, but for the disk's cache, and
// returns when it is gone.
func (s *Server) Crash(ctx context.Context) error {
	return s.run(ctx, "pg_ctl", "-D", s.data(), "-m", "immediate", "-t", "120", "-w", "stop")
}

// Close ends the server, if it runs, and removes its data.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := os.Stat(filepath.Join(s.data(), "postmaster.pid")); err == nil {
		if err := s.Crash(ctx); err != nil {
			return err
		}
	}
	return os.RemoveAll(s.dir)
}

func (s *Server) run(ctx context.Context, program string, args ...string) error {
	out, err := os.CreateTemp("", "talix-postgres-out-") // a pipe would be held open by the server
	if err != nil {
		return fmt.Errorf("run %s: %w", program, err)
	}
	defer os.Remove(out.Name()) //nolint:errcheck // it is in a folder for what may be forgotten
	defer out.Close()           //nolint:errcheck // only read from here on
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, program), args...)
	cmd.Dir = s.dir
	s.owner.become(cmd)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Run(); err != nil {
		text, _ := os.ReadFile(out.Name()) // it is for people
		return fmt.Errorf("run %s: %w\n%s%s", program, err, text, s.Log())
	}
	return nil
}
