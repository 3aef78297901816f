package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
)

func latencyRows() []row {
	return []row{
		{"action", "event → action's own command durable, idle", "two fdatasync'd appends", "ms", ratio,
			atMost(1.5), atMost(3), prepareAction},
		{"visible", "POST → read from a view that has it (two requests), idle", "one fdatasync'd append", "ms", added,
			atMost(1), atMost(5), prepareVisible},
	}
}

// idle is the pause between two samples of an idle latency, in which what the
// last one left behind comes to its end.
const idle = 3 * time.Millisecond

// idleMedian takes samples until the time is over; their median in
// milliseconds.
func idleMedian(ctx context.Context, each time.Duration, sample func(i int) (time.Duration, error)) (float64, error) {
	var times []float64
	ticker := time.NewTicker(idle)
	defer ticker.Stop()
	for over := time.Now().Add(each); len(times) == 0 || time.Now().Before(over); {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
		took, err := sample(len(times))
		if err != nil {
			return 0, err
		}
		times = append(times, took.Seconds()*1000)
	}
	return median(times), nil
}

// appends is the idle latency of n appends, one after another.
func (b *bareFile) appends(n int) side {
	data := make([]byte, recordSize)
	return func(ctx context.Context, each time.Duration) (float64, error) {
		return idleMedian(ctx, each, func(int) (time.Duration, error) {
			started := time.Now()
			for range n {
				if err := b.appendAlone(data); err != nil {
					return 0, err
				}
			}
			return time.Since(started), nil
		})
	}
}

// echoPrefix marks the ids of the ledgers that the action writes to.
const echoPrefix = "echo-"

// echoing is a service whose action answers an event on a ledger with a
// command on another, and tells when that is durable.
func echoing(durable chan<- time.Time) talix.Service {
	echo := talix.OnEvent("echo", func(ctx talix.ActionContext, e talix.Recorded[Noted]) error {
		if strings.HasPrefix(e.EntityID, echoPrefix) {
			return nil
		}
		_, err := talix.Run(ctx, Write, echoPrefix+e.EntityID, Note(e.Data))
		if err == nil {
			durable <- time.Now()
		}
		return err
	})
	return talix.Service{Name: "echo", Components: talix.Components{Ledgers, Write, echo}}
}

func prepareAction(ctx context.Context, l *lab) (contest, error) {
	durable := make(chan time.Time, 1)
	e, err := l.engine(ctx, echoing(durable))
	if err != nil {
		return contest{}, err
	}
	b, err := l.bareFile()
	if err != nil {
		return contest{}, err
	}
	ours := func(ctx context.Context, each time.Duration) (float64, error) {
		return idleMedian(ctx, each, func(i int) (time.Duration, error) {
			started := time.Now()
			if err := e.write(ctx, fmt.Sprint("ledger-", i%100), note()); err != nil {
				return 0, err
			}
			select {
			case at := <-durable:
				return at.Sub(started), nil
			case <-time.After(10 * time.Second):
				return 0, fmt.Errorf("wait for the action: it did not end within 10 s")
			}
		})
	}
	return contest{ours, b.appends(2)}, nil
}

func prepareVisible(ctx context.Context, l *lab) (contest, error) {
	server, err := l.server(ctx, roleBank)
	if err != nil {
		return contest{}, err
	}
	b, err := l.bareFile()
	if err != nil {
		return contest{}, err
	}
	v := &viewer{client: &http.Client{}, url: server.listen}
	ours := func(ctx context.Context, each time.Duration) (float64, error) {
		return idleMedian(ctx, each, func(i int) (time.Duration, error) { return v.depositAndSee(ctx, i%100) })
	}
	return contest{ours, b.appends(1)}, nil
}

// viewer deposits, and reads the view of all accounts.
type viewer struct {
	client *http.Client
	url    string
	sum    int64
}

// depositAndSee is the time from the request of a deposit to the answer of a
// query that waited for it. A sum without the deposit is an error.
func (v *viewer) depositAndSee(ctx context.Context, i int) (time.Duration, error) {
	started := time.Now()
	header, err := v.call(ctx, http.MethodPost, fmt.Sprintf("/accounts/account-%d/deposits", i), `{"amount":5}`, &account.Balance{})
	if err != nil {
		return 0, err
	}
	var sum account.Sum
	if _, err := v.call(ctx, http.MethodGet, "/totals?after="+header.Get("Talix-Position"), "", &sum); err != nil {
		return 0, err
	}
	took := time.Since(started)
	if v.sum += 5; sum.Balance != v.sum {
		return 0, fmt.Errorf("read totals: the balance is %d, want %d: the view does not have the deposit", sum.Balance, v.sum)
	}
	return took, nil
}

func (v *viewer) call(ctx context.Context, method, path, body string, answer any) (http.Header, error) {
	req, err := http.NewRequestWithContext(ctx, method, v.url+path, strings.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := v.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", res.Status, data)
	}
	if err == nil {
		err = json.Unmarshal(data, answer)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return res.Header, nil
}
