package talixtest_test

import (
	"errors"
	"fmt"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/talixtest"
)

// Lease is what the events of one lease add up to.
type Lease struct{ Until time.Time }

// LeaseTaken says until when a lease was taken.
type LeaseTaken struct{ Until time.Time }

// Apply notes the time.
func (e LeaseTaken) Apply(l *Lease, _ talix.Meta) { l.Until = e.Until }

// LeaseEnded is a lease's last event.
type LeaseEnded struct{}

// Apply changes nothing.
func (LeaseEnded) Apply(*Lease, talix.Meta) {}

// A lease expires unless it is taken anew: a timer runs the command that deletes.
func Example_expiry() {
	leases := talix.NewEntity("lease", talix.Event[LeaseTaken]("LEASES:TAKEN"), talix.Event[LeaseEnded]("LEASES:ENDED"))
	expire := talix.NewTimer[struct{}]("expire-lease")
	take := talix.NewCommand(leases, "take", func(c talix.CommandContext[Lease], hours int) (struct{}, error) {
		until := c.Time().Add(time.Duration(hours) * time.Hour)
		c.Emit(LeaseTaken{until})
		talix.Schedule(c, expire, "", until, struct{}{}) // moves the timer, if there is one
		return struct{}{}, nil
	})
	end := talix.NewCommand(leases, "end", func(c talix.CommandContext[Lease], _ struct{}) (bool, error) {
		if c.Time().Before(c.State().Until) {
			return false, nil // it was taken anew meanwhile
		}
		c.Delete(LeaseEnded{})
		return true, nil
	})
	onExpiry := talix.OnTimer(expire, func(ctx talix.ActionContext, f talix.Fired[struct{}]) error {
		_, err := talix.Run(ctx, end, f.EntityID, f.In)
		if errors.Is(err, talix.ErrGone) {
			return nil // someone else has ended it
		}
		return err
	})
	t := &printer{} // a test has its *testing.T
	defer t.end()
	rt := talixtest.Start(t, leases, take, end, onExpiry)
	for _, wait := range []time.Duration{time.Hour, 2 * time.Hour, 0} {
		_, err := talixtest.Run(rt, take, "house", 2)
		fmt.Println(len(talixtest.Events(rt, leases, "house")), "events:", err)
		rt.Advance(wait)
	}
	// Output:
	// 1 events: <nil>
	// 2 events: <nil>
	// 3 events: gone: lease "house" was deleted
}
