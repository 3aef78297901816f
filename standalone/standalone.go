// Package standalone is talix with batteries: flags, an embedded durable store
// in a folder or one on PostgreSQL, HTTP, health checks and signals.
//
//	func main() {
//		standalone.Main(account.Service)
//	}
package standalone

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
)

// Main runs a program made of services, what is provided to their actions, and
// plugins, until it is told to stop by SIGINT or SIGTERM. It reads the flags
// (see --help) and does not return.
func Main(parts ...talix.Part) { New().Main(parts...) }

// App is a program whose flags were read. Use it instead of Main where parts
// depend on them.
type App struct {
	Listen string // address of the HTTP triggers
	Admin  string // address of the console, health and readiness
	Data   string // folder of what the program stores
	Store  string // "sqlite", "memory", or the URL of a PostgreSQL database
	Broker string // "embedded", or the URL of a NATS server

	// Advertise makes the program a node of a cluster, which others reach there;
	// it listens for them on ClusterListen, or there too. ClusterKey is a secret
	// that all nodes share.
	Advertise, ClusterListen, ClusterKey string
	// ClusterCert, ClusterCertKey and ClusterCA are files of runtime.ClusterTLS, by
	// which nodes know each other in place of the ClusterKey, or beside it.
	ClusterCert, ClusterCertKey, ClusterCA string

	AdminToken    string // what the console asks for; empty: nothing, on a loopback address
	AdminReadOnly bool   // the console changes nothing
	// AdminAuthorize, if not nil, is asked in place of the token who may come to
	// the console, as console.Config.Authorize.
	AdminAuthorize func(*http.Request) (who string, err error)

	// Brokers are more brokers, by name. One with the empty name takes the
	// place of the one that Broker says.
	Brokers map[string]broker.Broker

	Log *slog.Logger
	Out io.Writer // gets the lines that tell the addresses
}

// New reads the flags and the environment. Flags of the program itself are
// defined before, with package flag, and are set after. Where something is
// wrong it says so and ends the program with code 2.
func New() *App {
	a, err := Parse(flag.CommandLine, os.Args[1:], os.Getenv)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		fmt.Fprintf(os.Stderr, "%v\nRun %s --help for what is allowed.\n", err, filepath.Base(os.Args[0]))
		os.Exit(2)
	}
	return a
}

// Main runs the program until it is told to stop, and exits: with code 0 after
// a graceful stop, and 1 where it could not start or stop.
func (a *App) Main(parts ...talix.Part) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	if err := a.Run(ctx, parts...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Path is the path of a file or folder of the program in the data folder.
func (a *App) Path(elem ...string) string {
	return filepath.Join(append([]string{a.Data}, elem...)...)
}
