package redis_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/redis"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const lease = 2 * time.Second

func open(_ testing.TB, address string) (broker.Broker, error) {
	return redis.Open(redis.Config{Address: address, Lease: lease, MaxData: 1 << 20})
}

func features() brokertest.Features {
	return brokertest.Features{Patience: lease, MaxMessage: 1 << 20}
}

// TestInProcess needs no server.
func TestInProcess(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, brokertest.Factory{Address: inProcess(t), Open: open, Features: features()})
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	brokertest.Run(t, brokertest.Factory{Address: s.address, Open: open, Kill: s.kill, Start: s.start, Features: features()})
}

func TestGivenServer(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, brokertest.Factory{Address: given(t), Open: open, Features: features()})
}

func TestCrash(t *testing.T) {
	t.Parallel()
	brokertest.Crash(t, func(tb testing.TB) string { return startServer(tb).address }, open)
}

// given is the server that somebody else runs.
func given(tb testing.TB) string {
	tb.Helper()
	address := os.Getenv("TALIX_TEST_REDIS")
	if address == "" {
		tb.Skip("set TALIX_TEST_REDIS to the URL of a server, such as that of\n" +
			"redis-server --port 6390 --appendonly yes --appendfsync always")
	}
	return address
}

// inProcess is a miniredis. Its clock stands still until it is moved, so leases
// would never end.
func inProcess(tb testing.TB) string {
	tb.Helper()
	m := miniredis.NewMiniRedis()
	if err := m.Start(); err != nil {
		tb.Fatal(err)
	}
	var clock sync.WaitGroup
	stop := make(chan struct{})
	clock.Go(func() {
		const step = 50 * time.Millisecond
		ticker := time.NewTicker(step)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				m.FastForward(step)
			case <-stop:
				return
			}
		}
	})
	tb.Cleanup(func() {
		close(stop)
		clock.Wait()
		m.Close()
	})
	return "redis://" + m.Addr()
}

// server is a Redis of the test's own.
type server struct {
	address string
	args    []string

	mu  sync.Mutex
	cmd *exec.Cmd
}

func startServer(tb testing.TB, args ...string) *server {
	tb.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		tb.Skip("redis-server is missing; install it with: apt-get install redis-server")
	}
	port := strconv.Itoa(freePort(tb))
	s := &server{address: "redis://127.0.0.1:" + port}
	s.args = append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", tb.TempDir(), "--save", "",
		"--appendonly", "yes", "--appendfsync", "always", "--logfile", "redis.log",
	}, args...)
	s.start(tb)
	tb.Cleanup(func() { s.kill(tb) })
	return s
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

func (s *server) start(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cmd = exec.Command("redis-server", s.args...)
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("start redis-server: %v", err)
	}
}

func (s *server) kill(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("kill redis-server: %v", err)
	}
	_ = s.cmd.Wait() // it was killed
}
