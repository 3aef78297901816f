package runtime_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/talix-dev/talix"
	"github.com/talix-dev/talix/examples/bank/account"
	"github.com/talix-dev/talix/internal/livetest"
	"github.com/talix-dev/talix/runtime"
	"github.com/talix-dev/talix/store"
	"github.com/talix-dev/talix/store/memory"
	"github.com/talix-dev/talix/store/sqlite"
	"github.com/talix-dev/talix/table"
)

// Note is an entity whose row may leave a query's result and come back.
type Note struct{ Stars int }

type Starred struct {
	Stars int `json:"stars"`
}

func (e Starred) Apply(n *Note, _ talix.Meta) { n.Stars = e.Stars }

type noteRow struct {
	ID    string `json:"id"`
	Stars int    `json:"stars"`
}

type noteFilter struct {
	Least int `query:"least"`
	talix.Paging
}

type noteThen struct {
	At *string `query:"at"`
}

// notes is a service with live queries.
type notes struct {
	notes   *talix.Entity[Note]
	star    *talix.Command[Starred, struct{}]
	list    *talix.Query[noteFilter, talix.Page[noteRow]]
	all     *talix.Query[struct{}, talix.Page[noteRow]]
	dead    *talix.Query[struct{}, talix.Page[noteRow]]
	service talix.Service
}

func newNotes() *notes {
	n := &notes{notes: talix.NewEntity("note", talix.Event[Starred]("NOTES:STARRED"))}
	n.star = talix.NewCommand(n.notes, "star", func(c talix.CommandContext[Note], in Starred) (struct{}, error) {
		c.Emit(in)
		return struct{}{}, nil
	})
	rows := talix.NewTable("notes", talix.When(func(r *noteRow, e talix.Recorded[Starred]) { r.Stars = e.Data.Stars })).KeepHistory()
	n.list = talix.SQL[noteFilter, noteRow]("list-notes", `SELECT id, stars FROM notes WHERE stars >= :least`,
		talix.PageBy("stars desc", "id"), talix.Live("id"), talix.Expose("GET /notes"))
	n.all = talix.SQL[struct{}, noteRow]("all-notes", `SELECT id, stars FROM notes ORDER BY id`, talix.Live("id"), talix.Expose("GET /all"))
	n.dead = talix.SQL[struct{}, noteRow]("dead-notes", `SELECT id, stars FROM notes ORDER BY id`, talix.Expose("GET /dead"))
	then := talix.SQL[noteThen, noteRow]("notes-then", `SELECT id, stars FROM as_of(notes, :at) n WHERE n.stars > 0 ORDER BY id`, talix.Expose("GET /then"))
	star := talix.OnHTTP("POST /notes/{id}", func(ctx talix.ActionContext, in struct {
		ID string `path:"id"`
		Starred
	}) (struct{}, error) {
		return talix.Run(ctx, n.star, in.ID, in.Starred)
	})
	n.service = talix.Service{Name: "notes", Components: talix.Components{n.notes, n.star, rows, n.list, n.all, n.dead, then, star}}
	return n
}

func (n *notes) start(t *testing.T, s store.Store, tables table.Store, change ...func(*runtime.Config)) *runtime.Runtime {
	t.Helper()
	cfg := runtime.Config{
		Store: s, Tables: tables, Parts: []talix.Part{n.service}, Log: slog.New(slog.DiscardHandler),
		QueryWait: time.Minute, // a machine may be slow
	}
	for _, c := range change {
		c(&cfg)
	}
	rt, err := runtime.New(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	return rt
}

func serve(t *testing.T, rt *runtime.Runtime) *httptest.Server {
	s := httptest.NewServer(rt.Handler())
	t.Cleanup(func() {
		rt.EndWatches()
		s.Close()
	})
	return s
}

func (n *notes) set(t *testing.T, rt *runtime.Runtime, id string, stars int) {
	t.Helper()
	if _, err := talix.Run(rt.Context(t.Context()), n.star, id, Starred{stars}); err != nil {
		t.Error(err)
	}
}

// result is what the query gives when it is asked.
func result(t *testing.T, url string) (ids, rows []string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var page struct{ Items []json.RawMessage }
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		t.Fatal(err)
	}
	for _, item := range page.Items {
		var row noteRow
		decode(t, item, &row)
		ids, rows = append(ids, row.ID), append(rows, string(item))
	}
	return ids, rows
}

func texts(raw []json.RawMessage) []string {
	var all []string
	for _, r := range raw {
		all = append(all, string(r))
	}
	return all
}

// watching is a runtime that is written to, and one who watches it.
type watching struct {
	t       *testing.T
	notes   *notes
	rt      *runtime.Runtime
	server  *httptest.Server
	watcher livetest.Watcher
	random  *rand.Rand
	stop    chan struct{}
	writers sync.WaitGroup
	times   int // that the watcher has connected
}

// begin starts a life of the runtime.
func (x *watching) begin(s store.Store, views table.Store) {
	x.rt = x.notes.start(x.t, s, views)
	x.server, x.stop = serve(x.t, x.rt), make(chan struct{})
	x.watcher.Client, x.watcher.URL = x.server.Client(), x.server.URL+"/notes?least=4&limit=20"
	for c := range 2 {
		x.writers.Go(func() { x.write(rand.New(rand.NewPCG(7, uint64(c)))) })
	}
}

func (x *watching) write(r *rand.Rand) {
	ticker := time.NewTicker(3 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-x.stop:
			return
		case <-ticker.C:
			x.notes.set(x.t, x.rt, fmt.Sprint("n", r.IntN(40)), r.IntN(12))
		}
	}
}

// reconnect breaks the connection at random moments.
func (x *watching) reconnect(times int) {
	x.t.Helper()
	connect := func() {
		ctx, cancel := context.WithCancel(x.t.Context())
		defer cancel()
		events := 1 + x.random.IntN(30)
		if x.times%2 == 0 { // else it is an event that ends it
			timer := time.AfterFunc(time.Duration(x.random.IntN(40))*time.Millisecond, cancel)
			defer timer.Stop()
		}
		err := x.watcher.Follow(ctx, func() bool { events--; return events == 0 })
		if errors.Is(err, livetest.ErrWrong) {
			x.t.Fatal(err)
		}
		x.times++
	}
	for range times {
		connect()
	}
}

// agree ends the writers, and waits until the watcher has what the query has.
func (x *watching) agree() {
	x.t.Helper()
	close(x.stop)
	x.writers.Wait()
	var keys, rows []string
	same := func() bool {
		keys, rows = result(x.t, x.watcher.URL) // as late as the event that the watcher has
		return slices.Equal(x.watcher.Keys, keys) && slices.Equal(texts(x.watcher.Rows), rows)
	}
	if same() && x.watcher.Presents > 0 {
		return
	}
	ctx, cancel := context.WithTimeout(x.t.Context(), 30*time.Second)
	defer cancel()
	if err := x.watcher.Follow(ctx, same); err != nil {
		x.t.Fatalf("the watcher has %v, the query %v: %v", x.watcher.Keys, keys, err)
	}
}

// V6: a live query survives 100 reconnects at random moments, and a restart of
// the runtime, with no change missed and none twice.
func TestLiveQuerySurvivesReconnects(t *testing.T) {
	t.Parallel()
	s, views := checked(t, memory.Config{}), tables(t)
	x := &watching{t: t, notes: newNotes(), random: rand.New(rand.NewPCG(8, 8))}
	x.begin(s, views)
	x.reconnect(60)
	x.agree()
	w := &x.watcher
	if w.Presents > 6 || w.Changes < 60 {
		t.Errorf("the present rows came %d times in 60 connections, besides %d changes: nothing was resumed", w.Presents, w.Changes)
	}
	before := w.Presents
	x.rt.EndWatches()
	x.server.Close()
	for id := range 40 { // what happens while no one can watch
		x.notes.set(t, x.rt, fmt.Sprint("n", id), id%9)
	}
	x.rt.Stop()
	x.begin(s, views)
	x.reconnect(40)
	x.agree()
	if again := w.Presents - before; again < 1 || again > 4 || x.times != 100 {
		t.Errorf("after the restart the present rows came %d times in 40 connections; %d in all", again, x.times)
	}
}

// A watcher who asks with the position of what it wrote sees it at once.
func TestWatchSeesWhatItsCallerWrote(t *testing.T) {
	t.Parallel()
	n := newNotes()
	rt := n.start(t, checked(t, memory.Config{}), tables(t))
	server := serve(t, rt)
	for i := range 50 {
		id := fmt.Sprint("n", i)
		resp, err := server.Client().Post(server.URL+"/notes/"+id, "application/json", strings.NewReader(`{"stars":5}`))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		w := &livetest.Watcher{Client: server.Client(), URL: server.URL + "/all?after=" + resp.Header.Get("Talix-Position")}
		if err := w.Follow(t.Context(), func() bool { return true }); err != nil || !slices.Contains(w.Keys, id) {
			t.Fatalf("%s is not among %v: %v", id, w.Keys, err)
		}
	}
}

func TestWatchInGo(t *testing.T) {
	t.Parallel()
	n := newNotes()
	rt := n.start(t, checked(t, memory.Config{Partitions: 1}), tables(t))
	n.set(t, rt, "a", 1)
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, n.star, "b", Starred{2}); err != nil {
		t.Fatal(err)
	}
	step := 0
	for c, err := range talix.Watch(ctx, n.list, noteFilter{Least: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		switch step++; step {
		case 1:
			if c.Kind != talix.ChangePresent || len(c.Rows) != 2 || c.Rows[0] != (noteRow{"b", 2}) {
				t.Errorf("at first: %+v", c)
			}
			n.set(t, rt, "c", 3)
		case 2:
			if c.Kind != talix.ChangeInsert || c.At != 0 || c.Row != (noteRow{"c", 3}) || c.Key != "c" {
				t.Errorf("a new row: %+v", c)
			}
			n.set(t, rt, "c", 4)
		case 3:
			if c.Kind != talix.ChangeUpdate || c.At != 0 || c.Row.Stars != 4 {
				t.Errorf("a changed row: %+v", c)
			}
			n.set(t, rt, "c", 0)
		case 4:
			if c.Kind != talix.ChangeDelete || c.Key != "c" {
				t.Errorf("a row that is gone: %+v", c)
			}
		}
		if step == 4 {
			break
		}
	}
	for _, err := range talix.Watch(ctx, n.dead, struct{}{}) {
		if !errors.Is(err, talix.ErrInternal) || !strings.Contains(err.Error(), "add talix.Live") {
			t.Errorf("a query that is not live: %v", err)
		}
	}
	for _, err := range talix.Watch(ctx, n.list, noteFilter{Paging: talix.Paging{Cursor: "x"}}) {
		if !errors.Is(err, talix.ErrInvalid) {
			t.Errorf("a cursor: %v", err)
		}
	}
}

// EndWatches lets those who watch come back elsewhere, before a server waits
// for them.
func TestEndWatches(t *testing.T) {
	t.Parallel()
	n := newNotes()
	rt := n.start(t, checked(t, memory.Config{}), tables(t))
	server := serve(t, rt)
	w := &livetest.Watcher{Client: server.Client(), URL: server.URL + "/all"}
	err := w.Follow(t.Context(), func() bool {
		go rt.EndWatches()
		return false
	})
	if !errors.Is(err, io.EOF) || !strings.Contains(w.End, `"code":"unavailable"`) {
		t.Errorf("the watch ended with %v, %s", err, w.End)
	}
	if err := w.Follow(t.Context(), func() bool { return true }); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("a later watch: %v", err)
	}
}

// Each gives all rows, over HTTP too, as of one moment.
func TestEachRow(t *testing.T) {
	t.Parallel()
	n := newNotes()
	rt := n.start(t, checked(t, memory.Config{Partitions: 1}), tables(t))
	const count = 1500 // more than a page, and than the database reads at once
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			for i := c; i < count; i += 8 {
				n.set(t, rt, fmt.Sprintf("n%04d", i), i%10)
			}
		})
	}
	all.Wait()
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, n.star, "n9999", Starred{1}); err != nil {
		t.Fatal(err)
	}
	var rows []noteRow
	for row, err := range talix.Each(ctx, n.list, noteFilter{Paging: talix.Paging{Limit: 3}}) {
		if err != nil {
			t.Fatal(err)
		}
		if len(rows) == 10 {
			n.set(t, rt, "n00000", 0) // after it began
		}
		rows = append(rows, row)
	}
	sorted := slices.IsSortedFunc(rows, func(a, b noteRow) int {
		if a.Stars != b.Stars {
			return b.Stars - a.Stars
		}
		return strings.Compare(a.ID, b.ID)
	})
	if len(rows) != count+1 || !sorted {
		t.Errorf("%d rows, sorted: %t", len(rows), sorted)
	}
	w := request(rt.Handler(), "GET", "/notes?least=5&after="+position(t, rt, n), "", "Accept", "application/x-ndjson")
	if lines := strings.Count(w.Body.String(), "\n"); w.Code != 200 || lines != count/2 {
		t.Errorf("%d, %d lines: %s", w.Code, lines, w.Body)
	}
	w = request(rt.Handler(), "GET", "/notes?least=9", "", "Accept", "text/csv")
	if lines := strings.Split(w.Body.String(), "\r\n"); len(lines) != count/10+2 || lines[0] != "id,stars" || lines[1] != "n0009,9" {
		t.Errorf("%d lines, %q", len(lines), lines[:2])
	}
}

// position writes something and tells where.
func position(t *testing.T, rt *runtime.Runtime, n *notes) string {
	t.Helper()
	return request(rt.Handler(), "POST", "/notes/last", `{"stars":0}`).Header().Get("Talix-Position")
}

// A view that keeps its history is asked as it was at each position.
func TestAsOfAPosition(t *testing.T) {
	t.Parallel()
	const partitions = 4
	n := newNotes()
	rt := n.start(t, checked(t, memory.Config{Partitions: partitions}), tables(t))
	type moment struct {
		at   string
		rows map[string]int
	}
	var moments []moment
	r, at, now := rand.New(rand.NewPCG(5, 5)), map[string]string{}, map[string]int{}
	for range 60 {
		id, stars := fmt.Sprint("n", r.IntN(8)), r.IntN(4)
		w := request(rt.Handler(), "POST", "/notes/"+id, fmt.Sprintf(`{"stars":%d}`, stars))
		partition, position, _ := strings.Cut(w.Header().Get("Talix-Position"), ":")
		if now[id] = stars; stars == 0 {
			delete(now, id)
		}
		at[partition] = position
		var all []string
		for p, at := range at {
			all = append(all, p+":"+at)
		}
		moments = append(moments, moment{strings.Join(all, ","), maps.Clone(now)})
	}
	then := func(query string) map[string]int {
		t.Helper()
		w := request(rt.Handler(), "GET", "/then"+query, "")
		var page talix.Page[noteRow]
		if decode(t, w.Body.Bytes(), &page); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		rows := map[string]int{}
		for _, row := range page.Items {
			rows[row.ID] = row.Stars
		}
		return rows
	}
	r.Shuffle(len(moments), func(i, j int) { moments[i], moments[j] = moments[j], moments[i] })
	for _, m := range moments {
		// What other partitions wrote before is part of the moment, so they are named.
		for p := range partitions {
			if !strings.Contains(","+m.at, fmt.Sprintf(",%d:", p)) {
				m.at += fmt.Sprintf(",%d:0", p)
			}
		}
		if got := then("?at=" + m.at); !maps.Equal(got, m.rows) {
			t.Errorf("as of %s: %v, want %v", m.at, got, m.rows)
		}
	}
	if got := then(""); !maps.Equal(got, now) {
		t.Errorf("now: %v, want %v", got, now)
	}
	for _, bad := range []string{"x", "", "0:", "0:-1", "0:1,,", "99:1"} {
		if w := request(rt.Handler(), "GET", "/then?at="+bad, ""); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("as of %q: %d %s", bad, w.Code, w.Body)
		}
	}
}

// A loop that panics or leaves early is the caller's matter; interceptors and
// reporters see one operation.
func TestLoopsThatEnd(t *testing.T) {
	t.Parallel()
	n, book := newNotes(), &counting{}
	rt := n.start(t, checked(t, memory.Config{Partitions: 1}), tables(t), func(c *runtime.Config) { c.Parts = append(c.Parts, talix.Use(book)) })
	n.set(t, rt, "a", 1)
	ctx := rt.Context(t.Context())
	if _, err := talix.Run(ctx, n.star, "b", Starred{2}); err != nil {
		t.Fatal(err)
	}
	panicked := func(loop func()) (p any) {
		defer func() { p = recover() }()
		loop()
		return nil
	}
	if p := panicked(func() {
		for range talix.Each(ctx, n.all, struct{}{}) {
			panic("each")
		}
	}); p != "each" {
		t.Errorf("the loop panicked with %v", p)
	}
	if p := panicked(func() {
		for range talix.Watch(ctx, n.all, struct{}{}) {
			panic("watch")
		}
	}); p != "watch" {
		t.Errorf("the loop panicked with %v", p)
	}
	for range talix.Each(ctx, n.all, struct{}{}) {
		break
	}
	if began, failed := book.began.Load(), book.failed.Load(); began != 3 || failed != 0 {
		t.Errorf("%d queries were seen, of which %d failed", began, failed)
	}
}

// counting counts queries.
type counting struct{ began, failed atomic.Int64 }

func (*counting) Name() string { return "counting" }

func (c *counting) Intercept(ctx context.Context, op talix.Operation, next func(context.Context) error) error {
	if op.Kind != talix.KindQuery {
		return next(ctx)
	}
	c.began.Add(1)
	err := next(ctx)
	if err != nil {
		c.failed.Add(1)
	}
	return err
}

// V4, with as many tries as TALIX_TEST_TRIES says.
func TestReadYourWritesOverHTTP(t *testing.T) {
	t.Parallel()
	tries := 2000
	if testing.Short() {
		tries = 300
	}
	if text := os.Getenv("TALIX_TEST_TRIES"); text != "" {
		tries, _ = strconv.Atoi(text)
	}
	events, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { events.Close() })
	rt, err := runtime.New(t.Context(), runtime.Config{Store: events, Tables: tables(t), Parts: []talix.Part{account.Service}, QueryWait: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	rt.Start()
	t.Cleanup(rt.Stop)
	server := serve(t, rt)
	const clients = 16
	var all sync.WaitGroup
	var seen atomic.Int64
	for c := range clients {
		all.Go(func() {
			client := &http.Client{Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			id := fmt.Sprintf("client-%02d", c)
			for i := range tries / clients {
				if err := postThenGet(client, server.URL, id, int64(i+1), i%2 == 0); err != nil {
					t.Errorf("try %d of %s: %v", i, id, err)
					return
				}
				seen.Add(1)
			}
		})
	}
	all.Wait()
	t.Logf("%d tries saw what they wrote", seen.Load())
}

// postThenGet deposits and reads the view, which has to have it; the position
// goes in the header or in the query string.
func postThenGet(client *http.Client, url, id string, want int64, header bool) error {
	resp, err := client.Post(url+"/accounts/"+id+"/deposits", "application/json", strings.NewReader(`{"amount":1}`))
	if err != nil {
		return err
	}
	resp.Body.Close()
	position := resp.Header.Get("Talix-Position")
	req, err := http.NewRequest("GET", url+"/accounts?limit=1000", nil)
	if err != nil {
		return err
	}
	if header {
		req.Header.Set("Talix-After", position)
	} else {
		req.URL.RawQuery += "&after=" + position
	}
	if resp, err = client.Do(req); err != nil {
		return err
	}
	defer resp.Body.Close()
	var page talix.Page[account.Row]
	if err := json.NewDecoder(resp.Body).Decode(&page); err != nil {
		return err
	}
	for _, row := range page.Items {
		if row.ID == id && row.Balance == want {
			return nil
		}
	}
	return fmt.Errorf("%d is not the balance in %+v", want, page.Items)
}
