package kafka_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"go.uber.org/goleak"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/kafka"
)

// serverVariable makes a process of the test binary a server; its value is the
// port and the folder.
const serverVariable = "TALIX_KAFKA_TEST_SERVER"

func TestMain(m *testing.M) {
	if job := os.Getenv(serverVariable); job != "" {
		serve(job)
		return
	}
	goleak.VerifyTestMain(m)
}

// serve is a Kafka until nobody holds its standard input any more. It writes
// everything to the disk before it answers.
func serve(job string) {
	number, dir, _ := strings.Cut(job, ":")
	port, _ := strconv.Atoi(number)
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites(),
		kfake.DefaultNumPartitions(4), kfake.GroupMinSessionTimeout(time.Second),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer c.Close()
	ctx, end := context.WithCancel(context.Background())
	defer end()
	if err := watchSessions(ctx, c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
}

const session = 3 * time.Second

func open(_ testing.TB, address string) (broker.Broker, error) {
	return kafka.Open(kafka.Config{Servers: []string{address}, Session: session})
}

func features() brokertest.Features {
	return brokertest.Features{Patience: session, MaxMessage: 1 << 20}
}

func TestServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	brokertest.Run(t, brokertest.Factory{Address: s.address, Open: open, Kill: s.kill, Start: s.start, Features: features()})
}

// TestCrash kills clients. Those that die while they wait to join hold up the next
// rebalance for as long as it may take, as kfake knows no better: so Handover is
// short here.
func TestCrash(t *testing.T) {
	t.Parallel()
	brokertest.Crash(t, func(tb testing.TB) string { return startServer(tb).address },
		func(_ testing.TB, address string) (broker.Broker, error) {
			return kafka.Open(kafka.Config{Servers: []string{address}, Session: session, Handover: session})
		})
}

// TestGivenServer is for a real one, which Debian does not have.
func TestGivenServer(t *testing.T) {
	t.Parallel()
	address := os.Getenv("TALIX_TEST_KAFKA")
	if address == "" {
		t.Skip("set TALIX_TEST_KAFKA to the address of a server with group.min.session.timeout.ms=1000, such as that of\n" +
			"docker run -p 9092:9092 apache/kafka")
	}
	brokertest.Run(t, brokertest.Factory{Address: address, Open: open, Features: features()})
}

// server is a process of its own, so that it can be killed.
type server struct {
	address string
	env     []string

	mu    sync.Mutex
	cmd   *exec.Cmd
	alive io.Closer
}

func startServer(tb testing.TB) *server {
	tb.Helper()
	port := freePort(tb)
	s := &server{address: fmt.Sprintf("127.0.0.1:%d", port)}
	s.env = append(os.Environ(), fmt.Sprintf("%s=%d:%s", serverVariable, port, tb.TempDir()))
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
	program, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	s.cmd = exec.Command(program)
	s.cmd.Env = s.env
	s.cmd.Stderr = os.Stderr
	if s.alive, err = s.cmd.StdinPipe(); err != nil {
		tb.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		tb.Fatalf("start server: %v", err)
	}
}

func (s *server) kill(tb testing.TB) {
	tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatalf("kill server: %v", err)
	}
	_ = s.cmd.Wait() // it was killed
	s.alive.Close()
}
