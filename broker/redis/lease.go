package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// consumer is the one name under which all receivers of a group read: which of
// them may, the lease says.
const consumer = "talix"

// lost begins the answer of scripts that find the lease with another receiver.
const lost = "TALIXLOST"

// The scripts. KEYS are the stream and the lease, ARGV the receiver and the
// lease's length in milliseconds, then what is theirs.
const (
	renewScript = `
local owner = redis.call('GET', KEYS[2])
if owner and owner ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1`

	releaseScript = `
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
return 1`

	holds = `
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return redis.error_reply('` + lost + ` another receiver has the lease') end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
`
	readScript  = holds + `return redis.call('XREADGROUP', 'GROUP', ARGV[3], ARGV[4], 'COUNT', ARGV[5], 'STREAMS', KEYS[1], '>')`
	claimScript = holds + `return redis.call('XCLAIM', KEYS[1], ARGV[3], ARGV[4], 0, unpack(ARGV, 5))`
)

// leaseKey lies in the stream's slot of a cluster.
func leaseKey(stream, group string) string { return "{" + stream + "}:talix:lease:" + group }

// script runs one of the scripts.
func (r *receiver) script(ctx context.Context, text string, args ...any) *redis.Cmd {
	keys := []string{r.sub.Topic, leaseKey(r.sub.Topic, r.sub.Group)}
	args = append([]any{r.owner, r.broker.cfg.Lease.Milliseconds()}, args...)
	return redis.NewScript(text).Run(ctx, r.broker.client, keys, args...)
}

// acquire waits until the receiver has the lease.
func (r *receiver) acquire(ctx context.Context) error {
	for {
		held, err := r.renew(ctx)
		if err != nil {
			return fmt.Errorf("take the lease of group %s: %w", r.sub.Group, err)
		}
		if held {
			return nil
		}
		if err := r.broker.wait(ctx, r.broker.cfg.Lease/8); err != nil {
			return err
		}
	}
}

// renew takes the lease, or prolongs it.
func (r *receiver) renew(ctx context.Context) (held bool, err error) {
	before := time.Now()
	n, err := r.script(ctx, renewScript).Int()
	if err != nil {
		return false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until = (time.Time{}); n == 1 {
		r.until = before.Add(r.broker.cfg.Lease)
	}
	return n == 1, nil
}

// holding tells, by this machine's clock alone, whether nobody else can have
// the lease.
func (r *receiver) holding() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.until)
}

// keep renews the lease until ctx ends, and ends the session that has lost it.
func (r *receiver) keep(ctx context.Context) {
	ticker := time.NewTicker(r.broker.cfg.Lease / 4)
	defer ticker.Stop()
	var trimmed time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		lose := r.leased()
		if lose == nil {
			continue
		}
		if _, err := r.renew(ctx); err != nil && r.holding() {
			continue // there is time for another attempt
		}
		if !r.holding() {
			lose()
		}
		trimmed = r.trimEvery(ctx, trimmed)
	}
}

// leased is what ends the session that has the lease, or nil.
func (r *receiver) leased() context.CancelFunc {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.lose
}

// release gives the lease up, so that another receiver need not wait for its
// end.
func (r *receiver) release(ctx context.Context) {
	if !r.holding() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = r.script(ctx, releaseScript).Err() // else it ends by itself
}
