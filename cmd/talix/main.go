// Command talix looks into talix programs, and moves their data:
//
//	talix help
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/talix-dev/talix/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := cli.Run(ctx, os.Args[1:], cli.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Open: open, Now: time.Now,
		Getenv: os.Getenv, Version: version(), Source: source(),
	})
	stop()
	os.Exit(code)
}
