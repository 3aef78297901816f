package process

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// FreePort is a port of 127.0.0.1 that nobody listens on, below those that the
// system hands out: so it is still free when a program that had it is started
// again.
func FreePort(ctx context.Context) (int, error) {
	const first, last = 20_000, 32_000
	for range 1000 {
		port := first + rand.IntN(last-first)
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("find a free port: there is none")
}
