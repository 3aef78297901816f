// Node is the bank with effects that can be counted: each deposit is told to an
// outside system, and counted by a command of an entity of its own.
package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/standalone"
)

// Tally counts the deposits of one account.
type Tally struct{ Count int64 }

// Counted says that a deposit was counted.
type Counted struct {
	Event string `json:"event"`
}

// Apply counts.
func (e Counted) Apply(t *Tally, _ talix.Meta) { t.Count++ }

var tallies = talix.NewEntity("tally", talix.Event[Counted]("TALLIES:COUNTED"))

var count = talix.NewCommand(tallies, "count",
	func(c talix.CommandContext[Tally], in Counted) (int64, error) {
		c.Emit(in)
		return c.State().Count, nil
	})

var tell = talix.OnEvent("tell",
	func(ctx talix.ActionContext, e talix.Recorded[account.Deposited]) error {
		if err := post(ctx, url.Values{"event": {e.EventID.String()}, "delivery": {ctx.DeliveryID().String()}}); err != nil {
			return err
		}
		_, err := talix.Run(ctx, count, e.EntityID, Counted{e.EventID.String()})
		return err
	})

func post(ctx context.Context, values url.Values) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, os.Getenv("TORTURE_SINK")+"?"+values.Encode(), nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the sink answers %s", resp.Status)
	}
	return nil
}

func main() {
	standalone.Main(account.Service, talix.Service{Name: "torture", Components: talix.Components{tallies, count, tell}})
}
