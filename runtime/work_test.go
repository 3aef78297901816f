package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/source/webhook"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
)

// A4: of 100 entities with ten events each, the third event of one panics. 99
// finish, that one is parked there with the others behind it, across a restart,
// and a replay finishes it in order after the mend.
func TestParking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var mu sync.Mutex
		seen := map[string][]int64{}
		broken := true
		w.extra = talix.Components{talix.OnEvent("count", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			mu.Lock()
			defer mu.Unlock()
			if e.EntityID == "p42" && e.Version == 3 && broken {
				panic("a bug")
			}
			seen[e.EntityID] = append(seen[e.EntityID], e.Version)
			return nil
		}, talix.Attempts(3))}
		rt := start(t, w, s)
		for v := range 10 {
			for p := range 100 {
				fill(t, w, rt, fmt.Sprint("p", p), 1+v)
			}
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		rt.Stop()
		rt = start(t, w, s)
		time.Sleep(time.Hour)
		synctest.Wait()
		items, err := rt.Work().List(t.Context(), runtime.WorkFilter{Status: "parked"})
		if err != nil || len(items) != 1 {
			t.Fatalf("parked: %+v, %v", items, err)
		}
		i := items[0]
		if i.EntityID != "p42" || i.Version != 3 || i.Behind != 7 || i.Attempts != 3 || !strings.Contains(i.Error, "a bug") || string(i.Payload) != `{"coins":3}` || i.Service != "test" {
			t.Errorf("parked: %+v", i)
		}
		d, err := rt.Work().Inspect(t.Context(), i.ID)
		if err != nil || len(d.Next) != 7 || d.Next[0].Version != 4 || string(d.Next[6].Payload) != `{"coins":10}` {
			t.Errorf("in detail: %+v, %v", d, err)
		}
		for p := range 100 {
			if n := len(seen[fmt.Sprint("p", p)]); n != 10 && p != 42 {
				t.Errorf("p%d was handled %d times", p, n)
			}
		}
		mu.Lock()
		broken = false
		mu.Unlock()
		if n, err := rt.Work().Replay(t.Context(), "count"); n != 1 || err != nil {
			t.Errorf("replayed %d, %v", n, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := fmt.Sprint(seen["p42"]); got != "[1 2 3 4 5 6 7 8 9 10]" {
			t.Errorf("p42 was handled in the order %s", got)
		}
		if items, _ := rt.Work().List(t.Context(), runtime.WorkFilter{}); len(items) != 0 {
			t.Errorf("left over: %+v", items)
		}
		fill(t, w, rt, "p42", 11)
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(seen["p42"]); n != 11 {
			t.Errorf("after the replay p42 was handled %d times", n)
		}
		rt.Stop()
	})
}

// A4: an error that is Final parks at once, and Skip goes on behind it.
func TestFinalAndSkip(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var tries, done atomic.Int32
		w.extra = talix.Components{talix.OnEvent("picky", func(_ talix.ActionContext, e talix.Recorded[Put]) error {
			if e.Version == 1 {
				tries.Add(1)
				return talix.Final(errors.New("never"))
			}
			done.Add(1)
			return nil
		})}
		rt := start(t, w, s)
		fill(t, w, rt, "p", 1)
		fill(t, w, rt, "p", 1)
		time.Sleep(time.Hour)
		synctest.Wait()
		items, _ := rt.Work().List(t.Context(), runtime.WorkFilter{Action: "picky"})
		if len(items) != 1 || tries.Load() != 1 || done.Load() != 0 {
			t.Fatalf("%+v after %d tries", items, tries.Load())
		}
		if err := rt.Work().Skip(t.Context(), items[0].ID); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if done.Load() != 1 {
			t.Errorf("%d were done after it was skipped", done.Load())
		}
		if err := rt.Work().Retry(t.Context(), items[0].ID); !errors.Is(err, talix.ErrNotFound) {
			t.Errorf("to retry what is done: %v", err)
		}
		rt.Stop()
	})
}

// A3: a step that is kept is not run again when the event's action is retried,
// nor by another runtime.
func TestStepsOfAnEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := checked(t, memory.Config{})
		w := newWorld()
		var first, second atomic.Int32
		var healthy atomic.Bool
		w.extra = talix.Components{talix.OnEvent("steps", func(ctx talix.ActionContext, e talix.Recorded[Put]) error {
			if e.EntityID != "p" {
				return nil
			}
			n, err := talix.Step(ctx, "first", func(context.Context) (int32, error) { return first.Add(1), nil })
			if err != nil {
				return err
			}
			if _, err := talix.Run(ctx, w.put, "q", coins{int(n)}); err != nil {
				return err
			}
			_, err = talix.Step(ctx, "second", func(context.Context) (int, error) {
				if second.Add(1); !healthy.Load() {
					return 0, errors.New("away")
				}
				return 0, nil
			})
			return err
		}, talix.Backoff(time.Second, time.Second))}
		rt := start(t, w, s)
		fill(t, w, rt, "p", 1)
		time.Sleep(3 * time.Second)
		synctest.Wait()
		rt.Stop()
		rt = start(t, w, s)
		healthy.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		q, n := coinsIn(t, s, "q")
		if first.Load() != 1 || second.Load() < 3 || q != 1 || n != 1 {
			t.Errorf("the steps ran %d and %d times, q has %d coins after %d events", first.Load(), second.Load(), q, n)
		}
		rt.Stop()
	})
}

// A6 and A8: what is published comes in as messages, in order for one entity,
// and has its effect once though the action fails after its effect.
func TestTopicOutAndIn(t *testing.T) {
	t.Parallel()
	for _, structured := range []bool{false, true} {
		t.Run(fmt.Sprint("structured ", structured), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := checked(t, memory.Config{})
				queue := brokermemory.New(brokermemory.Config{})
				defer queue.Close()
				w := newWorld()
				var mu sync.Mutex
				order := map[string][]int{}
				type told struct {
					Version int
					Data    Put
					State   Purse
				}
				opts := []talix.ActionOption{}
				if structured {
					opts = append(opts, talix.Structured())
				}
				failed := map[string]bool{}
				w.extra = talix.Components{
					talix.Publish("out", w.purses, "purses", talix.EventAndState, opts...),
					talix.OnMessage("in", "purses", func(ctx talix.ActionContext, m talix.Message[told]) error {
						if strings.HasPrefix(m.Key, "mirror") {
							return nil
						}
						if m.Attributes["ce-type"] != "PURSE:PUT" || m.Attributes["ce-subject"] != m.Key {
							return talix.Final(fmt.Errorf("attributes %v", m.Attributes))
						}
						if _, err := talix.Run(ctx, w.put, "mirror-"+m.Key, coins{m.Data.Data.Coins}); err != nil {
							return err
						}
						mu.Lock()
						defer mu.Unlock()
						if m.Data.Version%3 == 0 && !failed[m.ID] {
							failed[m.ID] = true
							return errors.New("fails after its effect")
						}
						if m.Data.State.Coins != m.Data.Version*(m.Data.Version+1)/2 {
							t.Errorf("version %d led to %+v", m.Data.Version, m.Data.State)
						}
						order[m.Key] = append(order[m.Key], m.Data.Version)
						return nil
					}),
				}
				rt := start(t, w, s, func(c *runtime.Config) { c.Brokers = map[string]broker.Broker{"": queue} })
				for v := range 10 {
					for p := range 5 {
						fill(t, w, rt, fmt.Sprint("p", p), 1+v)
					}
				}
				time.Sleep(time.Hour)
				synctest.Wait()
				for p := range 5 {
					checkMirror(t, s, fmt.Sprint("p", p), order)
				}
				if items, _ := rt.Work().List(t.Context(), runtime.WorkFilter{}); len(items) != 0 {
					t.Errorf("left over: %+v", items)
				}
				rt.Stop()
			})
		})
	}
}

func checkMirror(t *testing.T, s store.Store, id string, order map[string][]int) {
	t.Helper()
	if got := fmt.Sprint(order[id]); got != "[1 2 3 4 5 6 7 8 9 10]" {
		t.Errorf("%s came as %s", id, got)
	}
	if held, n := coinsIn(t, s, "mirror-"+id); held != 55 || n != 10 {
		t.Errorf("the mirror of %s holds %d in %d events", id, held, n)
	}
}

// A webhook is answered when the message is durable, and its action runs once
// for each delivery id.
func TestWebhook(t *testing.T) {
	t.Parallel()
	endpoint, err := webhook.New(webhook.Config{Path: "/hooks/test", Unsigned: true, DeliveryID: webhook.Header("Webhook-Id")})
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld()
	w.extra = talix.Components{talix.On("hooked", webhook.On[coins]("test"), func(ctx talix.ActionContext, c coins) error {
		_, err := talix.Run(ctx, w.put, "p", c)
		return err
	})}
	s := checked(t, memory.Config{})
	cfg := runtime.Config{Store: s, Parts: []talix.Part{w.service()}, Log: slog.New(slog.DiscardHandler)}
	if _, err := runtime.New(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "webhook.Endpoints") {
		t.Errorf("an endpoint that no one provides is no fault: %v", err)
	}
	rt := start(t, w, s, func(c *runtime.Config) {
		c.Parts = append(c.Parts, talix.Provide(webhook.Endpoints{"test": endpoint}))
	})
	server := httptest.NewServer(rt.Handler())
	defer server.Close()
	for _, id := range []string{"a", "b", "a"} {
		post(t, server.URL, id)
	}
	for range 1000 {
		if held, _ := coinsIn(t, s, "p"); held >= 14 {
			break
		}
		post(t, server.URL, "a") // which has its effect once, and gives the work time
	}
	if held, n := coinsIn(t, s, "p"); held != 14 || n != 2 {
		t.Errorf("p holds %d coins in %d events", held, n)
	}
}

func post(t *testing.T, url, id string) {
	t.Helper()
	for range 100 { // until someone receives
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hooks/test", strings.NewReader(`{"n":7}`))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Webhook-Id", id)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode < 300 {
			return
		}
		if res.StatusCode != http.StatusServiceUnavailable {
			t.Fatalf("the webhook answered %s", res.Status)
		}
	}
	t.Fatal("no one receives")
}
