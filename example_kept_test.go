package talix_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	"github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
)

// A step is not run again once it succeeded, though the action is.
func ExampleStep() {
	done := make(chan struct{})
	failures := 1
	notify := talix.OnEvent("notify", func(ctx talix.ActionContext, e talix.Recorded[Filled]) error {
		temperature, err := talix.Step(ctx, "measure", func(context.Context) (int, error) {
			fmt.Println("measured")
			return 80, nil
		})
		if err != nil {
			return err
		}
		if failures--; failures >= 0 {
			return errors.New("the phone is busy") // the action is tried again
		}
		fmt.Println("the tea has", temperature, "degrees")
		close(done)
		return nil
	})
	rt, stop := run(talix.Components{notify})
	defer stop()
	if _, err := talix.Run(rt.Context(context.Background()), Fill, "mine", Tea{"green"}); err != nil {
		log.Fatal(err)
	}
	<-done
	// Output:
	// measured
	// the tea has 80 degrees
}

func ExampleAll() {
	brew := talix.NewWorkflow("brew", func(ctx talix.ActionContext, _ struct{}) (int, error) {
		var water, leaves int
		step := func(into *int, name string, n int) func(talix.ActionContext) error {
			return func(ctx talix.ActionContext) (err error) {
				*into, err = talix.Step(ctx, name, func(context.Context) (int, error) { return n, nil })
				return err
			}
		}
		err := talix.All(ctx, step(&water, "boil", 300), step(&leaves, "weigh", 4))
		return water + leaves, err
	})
	rt, stop := run(talix.Components{brew})
	defer stop()
	ctx := rt.Context(context.Background())
	if err := talix.Start(ctx, brew, "pot", struct{}{}); err != nil {
		log.Fatal(err)
	}
	grams, err := talix.Wait(ctx, brew, "pot")
	fmt.Println(grams, err)
	// Output: 304 <nil>
}

// What a workflow did is undone when it fails.
func ExampleNewWorkflow() {
	serve := talix.NewWorkflow("serve", func(ctx talix.ActionContext, guest string) (int, error) {
		sips, err := talix.Run(ctx, Fill, guest, Tea{"black"})
		if err != nil {
			return 0, err
		}
		talix.Compensate(ctx, "drink it", func(ctx talix.ActionContext) error {
			for range sips {
				if _, err := talix.Run(ctx, Sip, guest, struct{}{}); err != nil {
					return err
				}
			}
			fmt.Println(guest, "did not come: the cup is empty again")
			return nil
		})
		if guest == "Bob" {
			return 0, talix.Reject("%s has left", guest)
		}
		return sips, nil
	})
	rt, stop := run(talix.Components{serve})
	defer stop()
	ctx := rt.Context(context.Background())
	for _, guest := range []string{"Ann", "Bob"} {
		if err := talix.Start(ctx, serve, guest, guest); err != nil {
			log.Fatal(err)
		}
		sips, err := talix.Wait(ctx, serve, guest)
		fmt.Println(guest, sips, err)
	}
	// Output:
	// Ann 3 <nil>
	// Bob did not come: the cup is empty again
	// Bob 0 rejected: Bob has left
}

// A workflow can wait for what a person says, for as long as it takes.
func ExampleAwait() {
	approved := talix.NewSignal[string]("approved")
	order := talix.NewWorkflow("order", func(ctx talix.ActionContext, what string) (string, error) {
		by, ok := talix.Await(ctx, approved, 30*24*time.Hour)
		if !ok {
			return "", talix.Reject("no one approved %s", what)
		}
		return what + ", approved by " + by, nil
	})
	rt, stop := run(talix.Components{order})
	defer stop()
	ctx := rt.Context(context.Background())
	if err := talix.Start(ctx, order, "17", "ten cups"); err != nil {
		log.Fatal(err)
	}
	if err := talix.Send(ctx, order.RunID("17"), approved, "Ann"); err != nil {
		log.Fatal(err)
	}
	fmt.Println(talix.Wait(ctx, order, "17"))
	// Output: ten cups, approved by Ann <nil>
}

// A command sets a timer in the same append as its events.
func ExampleSchedule() {
	cold := talix.NewTimer[string]("cold")
	pour := talix.NewCommand(Cups, "pour", func(c talix.CommandContext[Cup], in Tea) (struct{}, error) {
		c.Emit(Filled{Tea: in.Sort})
		talix.Schedule(c, cold, "", c.Time().Add(10*time.Millisecond), "drink it")
		return struct{}{}, nil
	})
	done := make(chan struct{})
	onCold := talix.OnTimer(cold, func(_ talix.ActionContext, f talix.Fired[string]) error {
		fmt.Println("cup", f.EntityID, "gets cold:", f.In)
		close(done)
		return nil
	})
	rt, stop := run(talix.Components{pour, onCold})
	defer stop()
	if _, err := talix.Run(rt.Context(context.Background()), pour, "mine", Tea{"green"}); err != nil {
		log.Fatal(err)
	}
	<-done
	// Output: cup mine gets cold: drink it
}

func ExampleOnSchedule() {
	done := make(chan struct{}, 10)
	clean := talix.OnSchedule("clean", "@every 1s", func(talix.ActionContext, time.Time) error {
		done <- struct{}{}
		return nil
	}, talix.InZone("Europe/Berlin"), talix.CatchingUp(talix.CatchUpSkip))
	_, stop := run(talix.Components{clean})
	defer stop()
	<-done
	fmt.Println("the kitchen is clean")
	// Output: the kitchen is clean
}

// The answer comes at once, and the work is done after.
func ExampleAsync() {
	type order struct {
		Cups int `json:"cups"`
	}
	big := talix.OnHTTP("POST /orders", func(_ talix.ActionContext, in order) (string, error) {
		return fmt.Sprint(in.Cups, " cups are ready"), nil
	}, talix.Async())
	rt, stop := run(talix.Components{big})
	defer stop()
	server := httptest.NewServer(rt.Handler())
	defer server.Close()
	res, err := http.Post(server.URL+"/orders", "application/json", strings.NewReader(`{"cups":100}`))
	if err != nil {
		log.Fatal(err)
	}
	res.Body.Close()
	fmt.Println(res.StatusCode, strings.HasPrefix(res.Header.Get("Location"), "/talix/runs/"))
	// Output: 202 true
}

// Events are published from the log, and messages run actions.
func ExamplePublish() {
	queue := memory.New(memory.Config{})
	defer queue.Close()
	done := make(chan struct{})
	out := talix.PublishEvent("tell", "cups", func(e talix.Recorded[Filled]) (Tea, bool) {
		return Tea{e.Data.Tea}, true
	})
	in := talix.OnMessage("hear", "cups", func(_ talix.ActionContext, m talix.Message[Tea]) error {
		fmt.Println("there is", m.Data.Sort, "tea in cup", m.Key)
		close(done)
		return nil
	})
	rt, stop := runWith(func(cfg *runtime.Config) { cfg.Brokers = map[string]broker.Broker{"": queue} }, talix.Components{out, in})
	defer stop()
	if _, err := talix.Run(rt.Context(context.Background()), Fill, "mine", Tea{"green"}); err != nil {
		log.Fatal(err)
	}
	<-done
	// Output: there is green tea in cup mine
}
