// Command echo is a tiny server with the flags of talix programs, for the tests
// of package proctest.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
)

var (
	listen  = flag.String("listen", "", "address")
	admin   = flag.String("admin", "", "address of /readyz")
	data    = flag.String("data", "", "folder")
	logs    = flag.Bool("slog", false, "tell the addresses by slog")
	unready = flag.Int64("unready", 0, "how many times /readyz says no")
	deaf    = flag.Bool("deaf", false, "ignore SIGTERM")
	status  = flag.Int("status", 0, "exit status after SIGTERM")
	fail    = flag.String("fail", "", "exit with this message at once")
	mute    = flag.Bool("mute", false, "tell no addresses")
)

func main() {
	flag.Parse()
	if *fail != "" {
		fmt.Fprintln(os.Stderr, *fail)
		os.Exit(3)
	}
	note("started")
	end := signals() // before anyone can know that it is ready
	serve("listening on", *listen, http.HandlerFunc(greet))
	if *admin != "" {
		serve("admin on", *admin, http.HandlerFunc(ready))
	}
	wait(end)
	note("stopped")
	os.Exit(*status)
}

func signals() chan os.Signal {
	c := make(chan os.Signal, 1)
	if *deaf {
		signal.Ignore(syscall.SIGTERM)
		signal.Notify(c, os.Interrupt)
	} else {
		signal.Notify(c, syscall.SIGTERM)
	}
	return c
}

func wait(end chan os.Signal) { <-end }

// note adds a line to a file in the data folder.
func note(line string) {
	f, err := os.OpenFile(filepath.Join(*data, "notes"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(f, line)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(what, addr string, h http.Handler) {
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	go func() { _ = http.Serve(l, h) }()
	switch {
	case *mute:
	case *logs:
		log := slog.New(slog.NewTextHandler(os.Stderr, nil))
		log.Info("listening", strings.Fields(what)[0], "http://"+l.Addr().String())
	default:
		fmt.Printf("%s http://%s\n", what, l.Addr())
	}
}

func greet(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprint(w, "hello ", os.Getenv("ECHO_NAME"))
}

var asked atomic.Int64

func ready(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/readyz" || asked.Add(1) <= *unready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}
