package nats_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"go.uber.org/goleak"
)

// serverVariable makes a process of the test binary a NATS server; its value is
// the port and the folder.
const serverVariable = "TALIX_TEST_NATS_SERVER"

func TestMain(m *testing.M) {
	if job := os.Getenv(serverVariable); job != "" {
		serve(job)
	}
	goleak.VerifyTestMain(m)
}

// serve runs a server until the process is killed, or the test's is gone.
func serve(job string) {
	port, dir, _ := strings.Cut(job, " ")
	n, err := strconv.Atoi(port)
	if err != nil {
		panic(err)
	}
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: n, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		panic(err)
	}
	s.Start()
	var b [1]byte
	_, _ = os.Stdin.Read(b[:])
	os.Exit(1)
}

// natsServer is a real server in a process of its own.
type natsServer struct {
	port int
	dir  string
	cmd  *exec.Cmd
	in   *os.File
}

func startServer(tb testing.TB) *natsServer {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	s := &natsServer{port: l.Addr().(*net.TCPAddr).Port, dir: tb.TempDir()}
	l.Close()
	tb.Cleanup(func() { s.Kill(tb) })
	s.Start(tb)
	return s
}

func (s *natsServer) Address() string { return fmt.Sprintf("nats://127.0.0.1:%d", s.port) }

func (s *natsServer) Start(tb testing.TB) {
	tb.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		tb.Fatal(err)
	}
	s.cmd = exec.Command(os.Args[0])
	s.cmd.Env = append(os.Environ(), fmt.Sprintf("%s=%d %s", serverVariable, s.port, s.dir))
	s.cmd.Stdin, s.cmd.Stderr, s.in = r, os.Stderr, w
	if err := s.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	r.Close()
}

func (s *natsServer) Kill(tb testing.TB) {
	if s.cmd == nil {
		return
	}
	if err := s.cmd.Process.Kill(); err != nil {
		tb.Errorf("kill server: %v", err)
	}
	_ = s.cmd.Wait()
	s.in.Close()
	s.cmd = nil
}
