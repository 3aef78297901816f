package storetest

import (
	"bytes"
	"fmt"

	"github.com/talix-dev/talix/store"
)

func sizeCases() []testCase {
	return []testCase{
		{name: "BigEvents", run: bigEvents},
		{name: "BigResult", run: bigResult},
		{name: "ManyBatchesInOneCall", run: manyBatchesInOneCall},
		{name: "ManyEventsInOneBatch", run: manyEventsInOneBatch},
	}
}

// bigEvents: 1 MiB each, with neighbours that are small.
func bigEvents(f *fixture) {
	s := f.stream(f.home(), "big")
	var events []store.Event
	for i := range 4 {
		small, big := f.event(s, 0), f.event(s, 0)
		big.Data = bytes.Repeat([]byte{'0' + byte(i)}, 1<<20)
		events = append(events, small, big)
	}
	f.roundTrip(s, events...)
}

func bigResult(f *fixture) {
	p, key := f.home(), f.id()
	result := string(bytes.Repeat([]byte("result/"), 1<<20/7))
	f.durable(p, f.keyed(store.Batch{}, key, result))
	f.repeat(p, f.keyed(store.Batch{}, key, ""), result)
}

// manyBatchesInOneCall mixes 4,096 batches of all kinds.
func manyBatchesInOneCall(f *fixture) {
	p, known := f.home(), f.id()
	f.durable(p, f.keyed(store.Batch{}, known, "known"))
	hot := f.stream(p, "hot")
	var batches []store.Batch
	var want []store.Status
	for i := range 1024 {
		batches = append(batches,
			f.keyed(f.batch(hot, store.Version(i), 1), f.id(), "hot"),
			f.keyed(f.batch(f.stream(p, fmt.Sprint("cold", i)), 0, 1), f.id(), "cold"),
			f.batch(f.stream(p, fmt.Sprint("wrong", i)), 1, 1),
			f.keyed(store.Batch{}, known, "repeat"))
		want = append(want, store.Durable, store.Durable, store.Conflict, store.Duplicate)
	}
	f.expect(p, batches, want...)
	f.wantVersion(hot, 1024)
	if n := len(f.scan(p)); n != 2048 {
		f.Errorf("the log has %d events, want 2048", n)
	}
}

func manyEventsInOneBatch(f *fixture) {
	p := f.home()
	s := f.stream(p, "many")
	f.durable(p, f.batch(s, 0, 5000))
	f.wantVersion(s, 5000)
}
