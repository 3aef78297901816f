// Torture starts a PostgreSQL server and several nodes of the bank, loads them,
// breaks them by a script that a seed decides, and holds what clients saw against
// what the database has in the end:
//
//	go run ./internal/torture --nodes 3 --seconds 60 --seed 1 --faults kill,stop
//
// It prints how long partitions paused, and ends with code 1 if anything was
// lost, repeated or told wrongly.
package main

import (
	"context"
	"os"
	"os/signal"

	"github.com/talix-dev/talix/internal/torture/trial"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := trial.Main(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
