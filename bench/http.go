package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// httpAccounts is how many accounts the load goes to.
const httpAccounts = 1000

func httpRows() []row {
	var all []row
	for _, connections := range []int{16, 64} {
		all = append(all, row{
			fmt.Sprintf("http-%d", connections),
			fmt.Sprintf("commands over HTTP, own process, %d connections, 1,000 accounts", connections),
			"bare net/http handler, same JSON, bare file, group commit", "/s", ratio,
			atLeast(0.75), atLeast(0.40),
			func(ctx context.Context, l *lab) (contest, error) { return prepareHTTP(ctx, l, connections) },
		})
	}
	return all
}

func prepareHTTP(ctx context.Context, l *lab, connections int) (contest, error) {
	ours, err := l.server(ctx, roleDeposits)
	if err != nil {
		return contest{}, err
	}
	base, err := l.server(ctx, "bare")
	if err != nil {
		return contest{}, err
	}
	return contest{ours.loaded(connections), base.loaded(connections)}, nil
}

// server starts a server in a new folder, until the end of the row.
func (l *lab) server(ctx context.Context, role string) (*process, error) {
	dir, err := l.folder()
	if err != nil {
		return nil, err
	}
	p, err := spawn(ctx, l.profile, role, dir)
	if err != nil {
		return nil, err
	}
	l.later(p.stop)
	return p, nil
}

// loaded runs a load generator on a server.
func (p *process) loaded(connections int) side {
	return func(ctx context.Context, each time.Duration) (float64, error) {
		cmd, err := inRole(ctx, "generator", "-address", strings.TrimPrefix(p.listen, "http://"),
			"-connections", strconv.Itoa(connections), "-accounts", strconv.Itoa(httpAccounts), "-duration", each.String())
		if err != nil {
			return 0, err
		}
		out, err := cmd.Output()
		if err != nil {
			return 0, fmt.Errorf("run load generator: %w", err)
		}
		var rate float64
		if err := json.Unmarshal(out, &rate); err != nil {
			return 0, fmt.Errorf("read rate: %w", err)
		}
		return rate, nil
	}
}
