package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/talix-dev/talix/examples/bank/account"
)

func loadRows() []row {
	return []row{
		{"cold", "cold load of an entity of 1,000 events", "plain query by entity, decoded and folded", "ms", ratio,
			atMost(1.2), bound{}, prepareCold},
		{"old", "first command on an entity of 1M events after a start", "the same on one of 100 events", "ms", ratio,
			atMost(2), bound{}, prepareOld},
		{"start", "process start to ready, 1M events of 100,000 entities", "the same with an empty folder", "ms", added,
			atMost(150), atMost(1000), prepareStart},
	}
}

func prepareStart(ctx context.Context, l *lab) (contest, error) {
	a := archive{
		typ: "account", event: "ACCOUNTS:DEPOSITED", data: account.Deposited{Amount: 5},
		entities: l.scaled(100_000), events: 10,
	}
	full, err := l.folder()
	if err != nil {
		return contest{}, err
	}
	if err := a.write(ctx, full); err != nil {
		return contest{}, err
	}
	ours := func(ctx context.Context, _ time.Duration) (float64, error) { return startServer(ctx, full) }
	base := func(ctx context.Context, _ time.Duration) (float64, error) {
		empty, err := l.folder()
		if err != nil {
			return 0, err
		}
		return startServer(ctx, empty)
	}
	return contest{ours, base}, nil
}

// startServer is how long a process takes from its start until it says that it
// is ready, in milliseconds: the median of a few.
func startServer(ctx context.Context, dir string) (float64, error) {
	var times []float64
	for range 5 {
		took, err := startOnce(ctx, dir)
		if err != nil {
			return 0, err
		}
		times = append(times, took.Seconds()*1000)
	}
	return median(times), nil
}

func startOnce(ctx context.Context, dir string) (took time.Duration, err error) {
	started := time.Now()
	p, err := spawn(ctx, "", roleDeposits, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	admin, err := p.address()
	if err != nil {
		return 0, err
	}
	err = untilReady(ctx, admin+"/readyz")
	return time.Since(started), err
}

func untilReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return fmt.Errorf("ask for readiness: %w", err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return fmt.Errorf("ask for readiness: %w", err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusOK {
			return nil
		}
	}
}
