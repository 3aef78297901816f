package memory

import (
	"slices"

	"github.com/talix-dev/talix/broker"
)

// group is what one group has of a topic. Its fields are guarded by the
// server's mu.
type group struct {
	server   *server
	topic    *topic
	waiting  []int             // the places of messages to deliver, rising
	attempts map[int]int       // of messages that are not settled for good
	holders  map[string]holder // of keys with messages in flight
}

// holder is the receiver that has messages of a key.
type holder struct {
	receiver *receiver
	messages int
}

// next takes the first message that the receiver may have. mu is held.
func (g *group) next(r *receiver) (*delivery, bool) {
	if r.open >= r.sub.InFlight {
		return nil, false
	}
	for i, at := range g.waiting {
		m := g.topic.messages[at]
		if h := g.holders[m.Key]; h.receiver == nil || h.receiver == r {
			g.waiting = slices.Delete(g.waiting, i, i+1)
			return g.give(r, at, m), true
		}
	}
	return nil, false
}

func (g *group) give(r *receiver, at int, m broker.Message) *delivery {
	if m.Key != "" {
		g.holders[m.Key] = holder{r, g.holders[m.Key].messages + 1}
	}
	g.attempts[at]++
	d := &delivery{receiver: r, at: at, message: m, attempt: g.attempts[at]}
	r.open++
	r.held = append(r.held, d)
	return d
}

// leave takes a message from its receiver. mu is held.
func (g *group) leave(d *delivery) {
	d.settled = true
	r := d.receiver
	r.open--
	r.held = slices.DeleteFunc(r.held, func(o *delivery) bool { return o == d })
	if h := g.holders[d.message.Key]; h.messages > 1 {
		g.holders[d.message.Key] = holder{r, h.messages - 1}
	} else {
		delete(g.holders, d.message.Key)
	}
	g.server.changed()
}

// back puts a message in its place. mu is held.
func (g *group) back(at int) {
	i, _ := slices.BinarySearch(g.waiting, at)
	g.waiting = slices.Insert(g.waiting, i, at)
}
