// Bench measures talix against what the machine itself can do. Every row of
// its table has a baseline that is measured in the same run, in turns with
// ours; see README.md for the method.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := start(ctx)
	stop()
	os.Exit(code)
}

// start runs the command, or what this process was started for by one.
func start(ctx context.Context) int {
	if role := os.Getenv(roleVariable); role != "" {
		if err := play(ctx, role, os.Args[1:]); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", role, err)
			return 1
		}
		return 0
	}
	return command(ctx, os.Args[1:], os.Stdout, os.Stderr)
}
