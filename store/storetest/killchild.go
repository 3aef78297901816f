package storetest

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/talix-dev/talix/store"
)

// What a child says, one line each: that it is about to open the store, and
// that a batch, named by partition and key, is durable.
const (
	childOpens = "storetest-opens"
	childDone  = "storetest-done"
)

// killConsumer counts, as its mark, the events of a partition.
const killConsumer = "storetest-count"

// child is the process that gets killed.
type child struct {
	testing.TB
	open opener
	dir  string
	out  sync.Mutex
}

func newChild(tb testing.TB, open opener, dir string) *child {
	return &child{TB: tb, open: open, dir: dir}
}

// run commits until the process is killed, or until nobody listens any more.
func (c *child) run() {
	c.say(childOpens + "\n")
	s, err := c.open(c.dir)
	if err != nil {
		c.fail("open store: %v", err)
	}
	for p := range min(4, store.Partition(s.Partitions())) {
		w := &childWriter{child: c, store: s, partition: p, versions: map[store.Stream]store.Version{}}
		w.recall()
		go w.run()
	}
	select {}
}

func (c *child) say(lines string) {
	c.out.Lock()
	_, err := io.WriteString(os.Stdout, lines)
	c.out.Unlock()
	if err != nil {
		os.Exit(1)
	}
}

func (c *child) fail(format string, args ...any) {
	c.say(fmt.Sprintf(format, args...) + "\n")
	os.Exit(1)
}

// childWriter writes one partition.
type childWriter struct {
	*child
	store     store.Store
	partition store.Partition
	versions  map[store.Stream]store.Version
	count     store.Position // of events
	last      store.ID       // of the batches with events
	keeps     bool           // the store is a Keeper
}

// recall finds out where the last child was stopped.
func (w *childWriter) recall() {
	events, err := readLog(w.Context(), w.store, w.partition)
	if err != nil {
		w.fail("read log: %v", err)
	}
	for _, e := range events {
		w.versions[e.Stream], w.last = e.Version, e.Command
	}
	w.count = store.Position(len(events))
	_, w.keeps = w.store.(store.Keeper)
}

func (w *childWriter) run() {
	random := rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	for {
		batches := make([]store.Batch, 1+random.IntN(16))
		for i := range batches {
			var key store.ID
			for j := range key {
				key[j] = byte(random.Uint32())
			}
			batches[i] = w.next(work{key, w.partition, w.store.Partitions()})
		}
		w.commit(batches)
	}
}

func (w *childWriter) commit(batches []store.Batch) {
	var lines bytes.Buffer
	for i, o := range w.store.Commit(w.Context(), w.partition, batches) {
		if o.Status != store.Durable {
			w.fail("batch %d of %d in partition %d ended as %v: %v", i, len(batches), w.partition, o.Status, o.Err)
		}
		fmt.Fprintln(&lines, childDone, w.partition, batches[i].Key)
	}
	w.say(lines.String())
}

// next is the batch that does the work, after those that came before.
func (w *childWriter) next(k work) store.Batch {
	b := store.Batch{Key: k.key, Result: k.result(), Time: time.Now()}
	from := w.count
	for _, a := range k.appends() {
		a = numbered(a, w.versions[a.Stream])
		w.versions[a.Stream] += store.Version(len(a.Events))
		w.count += store.Position(len(a.Events))
		b.Appends = append(b.Appends, a)
	}
	if w.count > from {
		b.Marks = []store.Mark{{Consumer: killConsumer, From: from, To: w.count}}
		if w.keeps {
			b.Records = k.changes(w.last)
		}
		w.last = k.key
	}
	return b
}

func numbered(a store.Append, expect store.Version) store.Append {
	a.Expect = expect
	for i := range a.Events {
		a.Events[i].Version = expect + store.Version(i) + 1
	}
	return a
}

// work is what the batch of one key does; it follows from the key, so that the
// parent knows it too.
type work struct {
	key        store.ID
	partition  store.Partition
	partitions int
}

func (k work) result() []byte { return bytes.Repeat(k.key[:], int(k.key[3]%8)) }

// appends are up to three events in each of one or two streams, without
// versions. Event n of the batch says so.
func (k work) appends() []store.Append {
	const streams = 32
	first := int(k.key[0]) % streams
	names := []int{first}
	if k.key[1]%2 == 0 {
		names = append(names, (first+1+int(k.key[2])%(streams-1))%streams)
	}
	var appends []store.Append
	n := 0
	for i, name := range names {
		a := store.Append{Stream: streamIn(k.partition, k.partitions, fmt.Sprint("s", name))}
		for range k.key[4+i] % 4 {
			a.Events = append(a.Events, k.event(a.Stream, n))
			n++
		}
		appends = append(appends, a)
	}
	return appends
}

func (k work) event(s store.Stream, n int) store.Event {
	padding := bytes.Repeat([]byte{'x'}, int(k.key[8+n])*8)
	return store.Event{
		ID: k.key, Stream: s, Type: "STORETEST:EVENT", Schema: n + 1, Time: time.UnixMicro(int64(k.key[7])).UTC(),
		Command: k.key, Correlation: k.key, Data: fmt.Appendf(nil, `{"n":%d,"padding":"%s"}`, n, padding),
	}
}
