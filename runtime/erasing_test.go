package runtime_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/broker"
	brokermemory "github.com/talix-dev/talix/broker/memory"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/vault"
	keysmemory "github.com/talix-dev/talix/vault/memory"
)

// inMemory is a place without files but for views.
func inMemory(t *testing.T) place {
	t.Helper()
	return place{checked(t, memory.Config{}), tables(t), keysmemory.New()}
}

func TestWritingOfAnErasedSubjectFails(t *testing.T) {
	t.Parallel()
	o := newOffice()
	rt := o.run(t, inMemory(t), nil)
	ctx := rt.ContextWithKey(t.Context(), "first")
	first, err := talix.Run(ctx, o.join, "ann", Joined{Email: "a@x", Plan: "gold"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // it may be repeated
		erase(t, rt, "ann")
	}
	ctx = rt.Context(t.Context())
	refused := func(what string, err error) {
		t.Helper()
		var e *talix.Error
		if !errors.As(err, &e) || e.Code != talix.CodeRejected || e.Status != 410 || !strings.Contains(e.Message, "was erased") {
			t.Errorf("%s: %v, want a rejection with 410", what, err)
		}
	}
	_, err = talix.Run(ctx, o.join, "ann", Joined{Email: "b@x"})
	refused("an event", err)
	_, err = talix.Run(ctx, o.open, "other", Opened{Client: "ann", Text: "b"})
	refused("an event of another entity", err)
	refused("a workflow", talix.Start(ctx, o.tell, "w", told{"ann", "b"}))
	refused("a signal", talix.Send(ctx, o.tell.RunID("w"), o.answer, told{"ann", "b"}))
	w := request(rt.Handler(), "POST", "/later", `{"client":"ann","text":"b"}`)
	if w.Code != 410 || strings.Contains(w.Body.String(), `"b"`) {
		t.Errorf("a request that is kept: %d %s", w.Code, w.Body)
	}
	if _, err := talix.Run(ctx, o.retire, "ann", struct{}{}); err != nil {
		t.Errorf("what is not personal can't be written: %v", err)
	}
	again, err := talix.Run(rt.ContextWithKey(t.Context(), "first"), o.join, "ann", Joined{Email: "a@x", Plan: "gold"})
	if err != nil || again.Email != "" || again.Plan != first.Plan {
		t.Errorf("a repeat of what was done before got %+v, %v", again, err)
	}
	loaded, err := talix.Load(ctx, o.clients, "ann")
	if err != nil || loaded.State != (Client{Plan: "gold"}) || loaded.Version != 2 {
		t.Errorf("the state is %+v, %v", loaded, err)
	}
}

// Work that is under way goes on with zero values.
func TestKeptWorkGoesOnAfterAnErasure(t *testing.T) {
	t.Parallel()
	o, queue := newOffice(), brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, inMemory(t), queue)
	o.fill(t, rt, queue, "ann", annsText)
	erase(t, rt, "ann")
	ctx := rt.Context(t.Context())
	if err := talix.Send(ctx, o.tell.RunID("ann"), o.answer, told{"bob", "go on"}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		s, err := talix.State(ctx, o.tell, "ann")
		return err == nil && s.Status == talix.WorkflowDone
	})
	done, err := talix.State(ctx, o.tell, "ann-done")
	if err != nil || done.Output != (told{Client: "ann"}) {
		t.Errorf("what was done before is %+v, %v", done, err)
	}
	items, err := rt.Work().List(ctx, runtime.WorkFilter{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		d, err := rt.Work().Inspect(ctx, i.ID)
		if err != nil || strings.Contains(fmt.Sprintf("%s %s", d.Payload, d.Steps), annsText) {
			t.Errorf("%s: %s %s, %v", i.ID, d.Payload, d.Steps, err)
		}
	}
}

// A message of an erased subject that comes later is kept without what is
// personal.
func TestMessagesOfErasedSubjectsAreKeptWithout(t *testing.T) {
	t.Parallel()
	o := newOffice()
	p, shut := folder(t, t.TempDir())
	defer shut()
	rt := o.run(t, p, nil)
	defer rt.Stop()
	erase(t, rt, "ann")
	queue := brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	second := o.run(t, inMemoryWith(t, p.keys), queue)
	publish(t, queue, `{"client":"ann","text":"`+annsText+`"}`)
	eventually(t, func() bool {
		items, err := second.Work().List(t.Context(), runtime.WorkFilter{Kind: "message", Status: "parked"})
		return err == nil && len(items) == 1 && !strings.Contains(string(items[0].Payload), annsText)
	})
}

func inMemoryWith(t *testing.T, keys vault.Vault) place {
	p := inMemory(t)
	p.keys = keys
	return p
}

// The rows that callers watch, and what they have missed, are not kept.
func TestWatchersOfErasedRowsBeginAnew(t *testing.T) {
	t.Parallel()
	o := newOffice()
	rt := o.run(t, inMemory(t), nil)
	ctx := rt.Context(t.Context())
	for _, who := range []string{"ann", "bob"} {
		if _, err := talix.Run(ctx, o.join, who, Joined{Email: who + "@x"}); err != nil {
			t.Fatal(err)
		}
	}
	present := make(chan talix.Change[clientRow], 100)
	ended := make(chan error, 1)
	var all sync.WaitGroup
	all.Go(func() {
		for c, err := range talix.Watch(ctx, o.all, struct{}{}) {
			if err != nil {
				ended <- err
				return
			}
			present <- c
		}
	})
	if c := <-present; len(c.Rows) != 2 || c.Rows[0].Email != "ann@x" {
		t.Fatalf("at first: %+v", c)
	}
	erase(t, rt, "ann")
	if err := <-ended; !errors.Is(err, talix.ErrUnavailable) {
		t.Errorf("the watch ended with %v", err)
	}
	all.Wait()
	for c, err := range talix.Watch(ctx, o.all, struct{}{}) {
		if err != nil || len(c.Rows) != 2 || c.Rows[0].Email != "" || c.Rows[1].Email != "bob@x" {
			t.Errorf("who comes back sees %+v, %v", c, err)
		}
		break
	}
}

// A program that ends right after a key was destroyed does the rest when it is
// started again; so does one that was not told of the erasure.
func TestErasureGoesOnAfterACrash(t *testing.T) {
	t.Parallel()
	o, dir := newOffice(), t.TempDir()
	p, shut := folder(t, dir)
	queue := brokermemory.New(brokermemory.Config{})
	defer queue.Close()
	rt := o.run(t, p, queue)
	o.fill(t, rt, queue, "ann", annsText)
	name := vault.NameOf(p.keys.Salt(), "ann")
	rt.Stop()
	if err := p.keys.Erase(t.Context(), name, time.Now()); err != nil {
		t.Fatal(err)
	}
	shut()
	if holding(t, dir, annsText) == nil {
		t.Fatal("the text is gone before views were made anew: the test tests nothing")
	}
	p, _ = folder(t, dir)
	rt = o.run(t, p, nil)
	if err := rt.Personal().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found := holding(t, dir, annsText); found != nil {
		t.Errorf("the text stands in %v", found)
	}
	rt.Stop()
}

// Another program on the same keys notices by itself.
func TestErasureReachesOtherRuntimes(t *testing.T) {
	t.Parallel()
	o, p := newOffice(), inMemory(t)
	rt := o.run(t, p, nil)
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, o.join, "ann", Joined{Email: "ann@x"}); err != nil {
		t.Fatal(err)
	}
	if err := p.keys.Erase(t.Context(), vault.NameOf(p.keys.Salt(), "ann"), time.Now()); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool {
		loaded, err := talix.Load(ctx, o.clients, "ann")
		return err == nil && loaded.State.Email == ""
	})
	if err := rt.Personal().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if rows := allRows(t, ctx, o.all); len(rows) != 1 || rows[0].Email != "" {
		t.Errorf("the rows are %+v", rows)
	}
	list, last, err := rt.Personal().Erased(t.Context(), 0, 10)
	if err != nil || len(list) != 1 || last != 1 || list[0].Subject != rt.Personal().Name("ann") || strings.Contains(list[0].Subject, "ann") {
		t.Errorf("the list is %+v, %d, %v", list, last, err)
	}
}

// While a subject is erased, commands go on: what was written before is gone, and
// nothing is written after; no one else notices.
func TestErasingWhileWriting(t *testing.T) {
	t.Parallel()
	o := newOffice()
	rt := o.run(t, inMemory(t), nil)
	const writers = 4
	var all sync.WaitGroup
	erased := make(chan struct{})
	for w := range writers {
		all.Go(func() {
			ctx := rt.Context(t.Context())
			for i, after := 0, 0; after < 5; i++ {
				select {
				case <-erased:
					after++
				default:
				}
				late := after > 0
				_, err := talix.Run(ctx, o.open, fmt.Sprint("case ", w), Opened{"ann", fmt.Sprint("text ", i), "t"})
				if late && !errors.Is(err, talix.ErrRejected) {
					t.Errorf("after the erasure: %v", err)
				} else if err != nil && !errors.Is(err, talix.ErrRejected) {
					t.Errorf("writing of ann: %v", err)
				}
				if _, err := talix.Run(ctx, o.open, fmt.Sprint("case ", w), Opened{"bob", "bob", "t"}); err != nil {
					t.Errorf("writing of bob: %v", err)
				}
			}
		})
	}
	eventually(t, func() bool {
		loaded, err := talix.Load(rt.Context(t.Context()), o.cases, "case 0")
		return err == nil && loaded.Version > 10
	})
	if _, err := rt.Personal().Erase(t.Context(), "ann"); err != nil {
		t.Fatal(err)
	}
	close(erased)
	for w := range writers {
		loaded, err := talix.Load(rt.Context(t.Context()), o.cases, fmt.Sprint("case ", w))
		if err != nil || strings.Contains(fmt.Sprint(loaded.State.Texts), "text") || !strings.Contains(fmt.Sprint(loaded.State.Texts), "bob") {
			t.Errorf("case %d is %+v, %v", w, loaded, err)
		}
	}
	all.Wait()
	if err := rt.Personal().Wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	for w := range writers {
		texts, err := o.letters.Get(rt.Context(t.Context()), fmt.Sprint("case ", w))
		if err != nil || strings.Contains(fmt.Sprint(texts), "text") {
			t.Errorf("the view of case %d is %v, %v", w, texts, err)
		}
	}
}

func TestActionsErase(t *testing.T) {
	t.Parallel()
	o := newOffice()
	rt := o.run(t, inMemory(t), nil)
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, o.join, "ann", Joined{Email: "ann@x"}); err != nil {
		t.Fatal(err)
	}
	if w := request(rt.Handler(), "POST", "/erase", `{"Client":"ann"}`); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if loaded, err := talix.Load(ctx, o.clients, "ann"); err != nil || loaded.State.Email != "" {
		t.Errorf("the state is %+v, %v", loaded, err)
	}
	if w := request(rt.Handler(), "POST", "/erase", `{"Client":""}`); w.Code != 422 {
		t.Errorf("no subject: %d %s", w.Code, w.Body)
	}
}

// Tags that can't work are faults at start.
func TestTagsAreCheckedAtStart(t *testing.T) {
	t.Parallel()
	o := newOffice()
	_, err := runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Tables: tables(t), Parts: []talix.Part{o.service()}, Log: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), `event "CLIENT:JOINED": it has personal fields, which need keys: set Config.Keys`) {
		t.Errorf("without keys: %v", err)
	}
	type loose struct {
		Name string `json:"name" personal:"true"`
	}
	service := talix.Service{Name: "x", Components: talix.Components{
		talix.OnHTTP("POST /x", func(talix.ActionContext, struct{}) (loose, error) { return loose{}, nil }),
		talix.OnMessage("m", "m", func(talix.ActionContext, talix.Message[loose]) error { return nil }),
	}}
	_, err = runtime.New(t.Context(), runtime.Config{Store: memory.New(memory.Config{}), Keys: keysmemory.New(), Parts: []talix.Part{service}})
	for _, want := range []string{`action "POST /x": its output: runtime_test.loose.Name is personal, but nothing tells whose it is`, `action "m": its message: `} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}

// While the keys are away, what needs them fails as unavailable, and goes on
// after.
type awayKeys struct {
	vault.Vault
	mu   sync.Mutex
	away bool
}

func (k *awayKeys) set(away bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.away = away
}

func (k *awayKeys) fault() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.away {
		return errors.New("the vault is away")
	}
	return nil
}

func (k *awayKeys) Make(ctx context.Context, names []vault.Name) ([]vault.Key, error) {
	if err := k.fault(); err != nil {
		return nil, err
	}
	return k.Vault.Make(ctx, names)
}

func (k *awayKeys) Erase(ctx context.Context, name vault.Name, at time.Time) error {
	if err := k.fault(); err != nil {
		return err
	}
	return k.Vault.Erase(ctx, name, at)
}

func TestKeysAway(t *testing.T) {
	t.Parallel()
	o, p := newOffice(), inMemory(t)
	keys := &awayKeys{Vault: p.keys}
	p.keys = keys
	rt := o.run(t, p, nil)
	ctx := rt.Context(t.Context())
	keys.set(true)
	if _, err := talix.Run(ctx, o.join, "ann", Joined{Email: "ann@x"}); !errors.Is(err, talix.ErrUnavailable) {
		t.Errorf("a command without keys: %v", err)
	}
	if _, err := talix.Run(ctx, o.retire, "ann", struct{}{}); err != nil {
		t.Errorf("one that needs no keys: %v", err)
	}
	if _, err := rt.Personal().Erase(t.Context(), "ann"); !errors.Is(err, talix.ErrUnavailable) {
		t.Errorf("an erasure without keys: %v", err)
	}
	keys.set(false)
	if _, err := talix.Run(ctx, o.join, "ann", Joined{Email: "ann@x"}); err != nil {
		t.Errorf("a command once they are back: %v", err)
	}
}

func publish(t *testing.T, b *brokermemory.Broker, data string) {
	t.Helper()
	if err := b.Publish(t.Context(), "mails", broker.Message{ID: "m", Data: []byte(data)}); err != nil {
		t.Fatal(err)
	}
}
