//go:build unix

package database

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Suspend stops all processes of the server without ending them (SIGSTOP), as a
// machine does that hangs. Where the system does not show processes in /proc, it
// only takes no new connections.
func (s *Server) Suspend() error {
	main, err := s.postmaster()
	if err != nil {
		return fmt.Errorf("suspend the database: %w", err)
	}
	if err := syscall.Kill(main, syscall.SIGSTOP); err != nil { // from now on it has no more children
		return fmt.Errorf("suspend the database: %w", err)
	}
	for _, pid := range children(main) {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
	}
	return nil
}

// Resume lets a suspended server go on.
func (s *Server) Resume() error {
	main, err := s.postmaster()
	if err != nil {
		return fmt.Errorf("resume the database: %w", err)
	}
	for _, pid := range append(children(main), main) {
		if err := syscall.Kill(pid, syscall.SIGCONT); err != nil && pid == main {
			return fmt.Errorf("resume the database: %w", err)
		}
	}
	return nil
}

// postmaster is the id of the process that makes all others.
func (s *Server) postmaster() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.data(), "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

func children(parent int) (pids []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, name := range stats {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		// The name stands in parentheses, then come the state and the parent.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		if len(fields) < 2 || string(fields[1]) != strconv.Itoa(parent) {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(filepath.Dir(name))); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
