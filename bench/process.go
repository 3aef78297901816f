package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"
)

// roleVariable tells a process of this program that it is a server or a load
// generator, and which.
const roleVariable = "TALIX_BENCH_ROLE"

// profileVariable names the file for a server's CPU profile.
const profileVariable = "TALIX_BENCH_PROFILE"

// play is the main function of such a process. Servers end when their
// standard input does, so none is left behind.
func play(ctx context.Context, role string, args []string) error {
	if role == "generator" {
		return generate(ctx, args, os.Stdout)
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		cancel(err)
	}()
	serve := func() error { return serveBare(ctx, args[0], os.Stdout) }
	if role != "bare" {
		serve = func() error { return serveBank(ctx, role, args[0], os.Stdout) }
	}
	_, err := profiled(os.Getenv(profileVariable), func() ([]result, error) { return nil, serve() })
	return err
}

// process is a server of this program.
type process struct {
	cmd    *exec.Cmd
	stdin  io.Closer
	stdout *bufio.Reader
	listen string // its URL
}

// spawn starts this program in a role and waits for the line that tells its
// address.
func spawn(ctx context.Context, profile, role string, args ...string) (*process, error) {
	cmd, err := inRole(ctx, role, args...)
	if err != nil {
		return nil, err
	}
	if profile != "" {
		cmd.Env = append(cmd.Env, profileVariable+"="+profile+".server")
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, err)
	}
	p := &process{cmd: cmd, stdin: stdin, stdout: bufio.NewReader(stdout)}
	if p.listen, err = p.address(); err != nil {
		return nil, fmt.Errorf("start %s: %w", role, errors.Join(err, p.stop()))
	}
	return p, nil
}

func inRole(ctx context.Context, role string, args ...string) (*exec.Cmd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	cmd.WaitDelay = 10 * time.Second
	return cmd, nil
}

// address reads the next line, as in "listening on http://127.0.0.1:8080".
func (p *process) address() (string, error) {
	line, err := p.stdout.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("read address: %w", err)
	}
	_, address, ok := strings.Cut(strings.TrimSpace(line), " on ")
	if !ok {
		return "", fmt.Errorf("read address: %q tells none", line)
	}
	return address, nil
}

// stop ends the process gracefully and waits for it.
func (p *process) stop() error {
	closed := p.stdin.Close()
	_, err := io.Copy(io.Discard, p.stdout)
	return errors.Join(closed, err, p.cmd.Wait())
}
