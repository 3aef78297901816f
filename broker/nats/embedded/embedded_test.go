package embedded_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/brokertest"
	"github.com/talix-dev/talix/broker/nats/embedded"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(_ testing.TB, dir string) (broker.Broker, error) {
	return embedded.Open(embedded.Config{Dir: dir})
}

func TestBroker(t *testing.T) {
	t.Parallel()
	brokertest.Run(t, brokertest.Factory{
		Address: t.TempDir(), Open: open,
		Features: brokertest.Features{Single: true, MaxMessage: 8 << 20},
	})
}

func TestCrash(t *testing.T) {
	t.Parallel()
	brokertest.Crash(t, func(tb testing.TB) string { return tb.TempDir() }, open)
}

func TestFolderHasOneOwner(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir); err == nil || !strings.Contains(err.Error(), fmt.Sprint("pid ", os.Getpid())) {
		t.Errorf("a second Open says %v, want who has the folder", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := open(t, dir)
	if err != nil {
		t.Fatalf("open after Close: %v", err)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
}
