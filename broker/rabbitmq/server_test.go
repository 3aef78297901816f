package rabbitmq_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/rabbitmq"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const heartbeat = time.Second

func open(_ testing.TB, address string) (broker.Broker, error) {
	return rabbitmq.Open(rabbitmq.Config{Address: address, Heartbeat: heartbeat, Replicas: 1})
}

// TestServer needs the program, since it kills the server.
func TestServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	brokertest.Run(t, brokertest.Factory{
		Address: s.address, Open: open, Kill: s.kill, Start: s.start,
		Features: brokertest.Features{Patience: 3 * heartbeat, MaxMessage: maxMessage + 1},
	})
}

// TestCrash has a server that nobody else kills. Only the parent starts it.
func TestCrash(t *testing.T) {
	t.Parallel()
	brokertest.Crash(t, func(tb testing.TB) string { return startServer(tb).address }, open)
}

func TestGivenServer(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, brokertest.Factory{
		Address: given(t), Open: open, Features: brokertest.Features{Patience: 3 * heartbeat},
	})
}

// given is the server that somebody else runs.
func given(tb testing.TB) string {
	tb.Helper()
	address := os.Getenv("TALIX_TEST_RABBITMQ")
	if address == "" {
		tb.Skip("set TALIX_TEST_RABBITMQ to the URL of a server, such as amqp://guest:guest@127.0.0.1:5672/, that of\n" +
			"apt-get install rabbitmq-server && rabbitmq-server")
	}
	return address
}

// server is a RabbitMQ of the test's own.
type server struct {
	address string
	dir     string
	env     []string

	mu  sync.Mutex
	cmd *exec.Cmd
}

const (
	// The script in the path wants to be another user.
	program    = "/usr/lib/rabbitmq/bin/rabbitmq-server"
	maxMessage = 1 << 20
	boot       = 3 * time.Minute // on a loaded machine
)

func startServer(tb testing.TB) *server {
	tb.Helper()
	for _, p := range []string{program, "epmd"} {
		if _, err := exec.LookPath(p); err != nil {
			tb.Skip("rabbitmq-server is missing; install it with: apt-get install rabbitmq-server")
		}
	}
	port, names, distribution := freePort(tb), freePort(tb), freePort(tb)
	s := &server{dir: tb.TempDir(), address: fmt.Sprintf("amqp://guest:guest@127.0.0.1:%d/", port)}
	s.write(tb, "rabbitmq.conf", fmt.Sprintf("listeners.tcp.1 = 127.0.0.1:%d\nmax_message_size = %d\n", port, maxMessage))
	s.write(tb, "plugins", "[].\n")
	s.env = append(os.Environ(), "HOME="+s.dir,
		"RUNNING_UNDER_SYSTEMD=true", // one process, without a shell around it
		"ERL_EPMD_ADDRESS=127.0.0.1", fmt.Sprint("ERL_EPMD_PORT=", names), fmt.Sprint("RABBITMQ_DIST_PORT=", distribution),
		fmt.Sprintf("RABBITMQ_NODENAME=talix%d@localhost", port), "RABBITMQ_CONF_ENV_FILE=/dev/null",
		"RABBITMQ_MNESIA_BASE="+s.dir, "RABBITMQ_LOG_BASE="+s.dir, "RABBITMQ_PID_FILE="+filepath.Join(s.dir, "pid"),
		"RABBITMQ_CONFIG_FILE="+filepath.Join(s.dir, "rabbitmq"), "RABBITMQ_ENABLED_PLUGINS_FILE="+filepath.Join(s.dir, "plugins"),
	)
	epmd := s.run(tb, "epmd") // else the server leaves one behind
	tb.Cleanup(func() { end(tb, epmd) })
	s.start(tb)
	tb.Cleanup(func() { s.kill(tb) })
	s.settle(tb)
	return s
}

// settle makes the server's first stream and waits until what coordinates
// streams is on the disk: RabbitMQ 3.10 syncs everything but that, so that it
// would not know its streams if it were killed within half a second.
func (s *server) settle(tb testing.TB) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), boot)
	defer cancel()
	b, err := open(tb, s.address)
	if err != nil {
		tb.Fatal(err)
	}
	defer b.Close()
	if err := b.Publish(ctx, "first", broker.Message{ID: "1"}); err != nil {
		tb.Fatalf("publish to a new server: %v", err)
	}
	s.await(tb, func() bool { return s.wrote(tb, "coordination", "rabbit_stream_coordinator") }, "write down its coordinator of streams")
}

func (s *server) write(tb testing.TB, name, text string) {
	tb.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func freePort(tb testing.TB) int {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func (s *server) run(tb testing.TB, program string) *exec.Cmd {
	tb.Helper()
	cmd := exec.Command(program)
	cmd.Env = s.env
	if err := cmd.Start(); err != nil {
		tb.Fatalf("start %s: %v", program, err)
	}
	return cmd
}

func (s *server) start(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd = s.run(tb, program)
}

func (s *server) kill(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	end(tb, s.cmd)
}

func end(tb testing.TB, cmd *exec.Cmd) {
	tb.Helper()
	if err := cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("kill %s: %v", strings.Join(cmd.Args, " "), err)
	}
	_ = cmd.Wait() // it was killed
}

// await waits for what the server does by itself.
func (s *server) await(tb testing.TB, so func() bool, what string) {
	tb.Helper()
	ctx, cancel := context.WithTimeout(tb.Context(), boot)
	defer cancel()
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for !so() {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			tb.Fatalf("the server did not %s", what)
		}
	}
}

// wrote tells whether a name is in the register of a kind of queues.
func (s *server) wrote(tb testing.TB, kind, name string) bool {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(s.dir, "*", kind, "*", "names.dets"))
	if err != nil || len(files) != 1 {
		tb.Fatalf("find the register of %s in %s: %q, %v", kind, s.dir, files, err)
	}
	names, err := os.ReadFile(files[0])
	return err == nil && bytes.Contains(names, []byte(name))
}
