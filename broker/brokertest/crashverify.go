package brokertest

import (
	"strconv"
	"strings"
	"testing"

	"github.com/talix-dev/talix/broker"
)

// ledger is what is known of each key's messages, by number.
type ledger struct {
	promised [crashKeys]int          // Publish has returned nil up to this number
	floor    [crashKeys]int          // settled are all up to this number
	settled  [crashKeys]map[int]bool // perhaps: its settling was begun
	ever     [crashKeys]map[int]bool // received by any process
	now      [crashKeys]map[int]bool // received by this process
	again    int                     // how many came again to another process
}

// heard notes a line of the child, and returns what it was about.
func (l *ledger) heard(tb testing.TB, words []string) string {
	if len(words) != 3 {
		return ""
	}
	key, err1 := strconv.Atoi(words[1])
	n, err2 := strconv.Atoi(words[2])
	if err1 != nil || err2 != nil || key < 0 || key >= crashKeys {
		return ""
	}
	switch words[0] {
	case sayPublished:
		l.promised[key] = n
	case sayReceived:
		l.received(tb, key, n)
	case saySettles:
		put(&l.settled[key], n)
	default:
		return ""
	}
	return words[0]
}

func put(set *map[int]bool, n int) {
	if *set == nil {
		*set = map[int]bool{}
	}
	(*set)[n] = true
}

// received checks that whatever came before in the key is settled, or came to
// this process too.
func (l *ledger) received(tb testing.TB, key, n int) {
	for l.settled[key][l.floor[key]+1] {
		l.floor[key]++
	}
	for m := l.floor[key] + 1; m < n; m++ {
		if !l.settled[key][m] && !l.now[key][m] {
			tb.Errorf("message %d of key %d came before message %d, which is not settled", n, key, m)
		}
	}
	if l.ever[key][n] && !l.now[key][n] {
		l.again++
	}
	put(&l.now[key], n)
	put(&l.ever[key], n)
}

// endRun is for the end of a process.
func (l *ledger) endRun() { l.now = [crashKeys]map[int]bool{} }

func (l *ledger) published() (n int) {
	for _, p := range l.promised {
		n += p
	}
	return n
}

// finish receives what is left: up to a last message of each key, before which
// everything must have come.
func (k *killer) finish() {
	k.Helper()
	f := newFixture(k, Factory{Address: k.order.address, Open: k.open}, limit)
	defer f.shut()
	f.topic = k.order.topic
	for key := range crashKeys {
		f.publish(broker.Message{ID: "end-" + strconv.Itoa(key), Key: strconv.Itoa(key)})
	}
	r := f.receive(f.broker, crashGroup)
	for ends := 0; ends < crashKeys; {
		d := r.handle(1)[0]
		key, _ := strconv.Atoi(d.Key)
		if strings.HasPrefix(d.ID, "end-") {
			ends++
			k.wantComplete(key)
			continue
		}
		n, _ := strconv.Atoi(d.ID[len(d.Key)+1:])
		k.received(k, key, n)
	}
}

// wantComplete checks that nothing of a key is missing.
func (k *killer) wantComplete(key int) {
	k.Helper()
	for n := 1; n <= k.promised[key]; n++ {
		if !k.settled[key][n] && !k.now[key][n] {
			k.Errorf("message %d of key %d was published and is lost", n, key)
		}
	}
}
