package nats

import (
	"context"
	"time"

	"github.com/talix-dev/talix/broker"
)

// keep writes the group's record: at once when something was settled, and
// often enough that no other receiver takes the group. While one write is under
// way, what is settled gathers for the next.
func (t *term) keep(life context.Context) {
	lease := t.broker.config.Lease
	var giveUp time.Time
	for fails := 0; ; {
		t.due(life, lease/4)
		number, r, last := t.snapshot(life)
		if last && giveUp.IsZero() {
			giveUp = time.Now().Add(lease)
		}
		until, err := t.write(life, r)
		if err == nil {
			fails = 0
			t.tell(func() { t.kept, t.until = number, until })
		}
		if why := t.over(life, err, last, giveUp); why != nil {
			t.tell(func() { t.err = why })
			return
		}
		if err != nil {
			t.broker.pause(life, fails)
			fails++
		}
	}
}

// due waits until there is something to write.
func (t *term) due(life context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(life, most)
	defer cancel()
	t.wait(ctx, func() bool { return t.settled > t.kept || t.ending })
}

// snapshot is the record to write, and the number up to which it has what was
// settled. The last one gives the group up.
func (t *term) snapshot(life context.Context) (number uint64, r record, last bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r = t.claim.record
	r.Owner, r.cursor = t.claim.owner, t.cursor.clone()
	if last = t.ending || life.Err() != nil; last {
		r.Owner = ""
	}
	return t.settled, r, last
}

// write also works when the broker is being closed, as long as it can be done
// without waiting for the server to come back.
func (t *term) write(life context.Context, r record) (time.Time, error) {
	if !t.broker.conn.IsConnected() {
		return time.Time{}, errLost
	}
	return t.claim.write(context.WithoutCancel(life), r)
}

// over tells why the term is over after a write, or nil.
func (t *term) over(life context.Context, err error, last bool, giveUp time.Time) error {
	switch {
	case life.Err() != nil && last:
		return broker.ErrClosed
	case last && err == nil:
		return errGivenUp
	case err == errTaken: //nolint:errorlint // it comes as it is
		return err
	case last && time.Now().After(giveUp):
		return err
	}
	return nil
}
