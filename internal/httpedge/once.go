package httpedge

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"sync"

	"github.com/talix-dev/talix/store"
)

const keyHeader = "Idempotency-Key"

// key is the id under which the answer is remembered: made of the
// Idempotency-Key, the route and its path values. Zero: the request has none.
func (x *exchange) key() (store.ID, error) {
	values := x.r.Header[keyHeader]
	if len(values) == 0 {
		return store.ID{}, nil
	}
	if len(values) > 1 || !validKey(values[0]) {
		return store.ID{}, invalid("header."+keyHeader, "expected 1 to 255 printable ASCII characters, once")
	}
	if b := x.route.in.body; b != nil && b.kind != jsonBody {
		return store.ID{}, invalid("header."+keyHeader, "a streamed body cannot be compared with an earlier one: send it without this header")
	}
	h := sha256.New()
	add(h, x.route.pattern())
	for _, name := range x.route.wildcards {
		add(h, x.r.PathValue(name))
	}
	add(h, values[0])
	id := store.ID(h.Sum(nil)[:16])
	id[6], id[8] = id[6]&0x0f|0x80, id[8]&0x3f|0x80 // UUIDv8
	return id, nil
}

func validKey(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 255
}

// add hashes a text so that no two sequences of texts hash alike.
func add(h hash.Hash, text string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(text)))
	h.Write(n[:])
	h.Write([]byte(text))
}

// digest tells inputs under one key apart.
func (x *exchange) digest() (d [16]byte) {
	h := sha256.New()
	h.Write(x.edge.config.Seal.Pepper(x.route.http.In))
	add(h, x.r.URL.RawQuery)
	for _, p := range x.route.in.header {
		for _, v := range x.r.Header[p.name] {
			add(h, v)
		}
		h.Write([]byte{0xff}) // ends the list: no length begins so
	}
	h.Write(x.body.Bytes())
	copy(d[:], h.Sum(nil))
	return d
}

// once answers a request that has a key: with the first answer, if there is
// one, and else with an answer that becomes the first if it is a success.
func (x *exchange) once() error {
	digest := x.digest()
	f, err := x.edge.flights.join(x.r.Context(), x.req.Key)
	if err != nil {
		return err
	}
	if f == nil { // this request is the one to be answered
		return x.first(digest)
	}
	return x.replay(f, digest)
}

func (x *exchange) first(digest [16]byte) (err error) {
	var kept []byte
	defer func() { x.edge.flights.leave(x.req.Key, kept) }()
	earlier, ok, err := x.edge.config.Backend.Recall(x.r.Context(), x.req.Key)
	if err != nil {
		return err
	}
	if ok {
		kept = earlier
		return x.replay(kept, digest)
	}
	if err := x.do(); err != nil {
		return err
	}
	if kept = x.keep(digest); kept != nil {
		// The caller gets its answer all the same: what the action did is done,
		// and a repeat finds its commands' own results.
		if err := x.edge.config.Backend.Remember(context.WithoutCancel(x.r.Context()), x.req.Key, kept); err != nil {
			x.logged(fmt.Errorf("remember answer: %w", err))
		}
	}
	return x.send(&x.answer)
}

// keep is the answer in its stored form; nil: it is not to be remembered.
func (x *exchange) keep(digest [16]byte) []byte {
	a := &x.answer
	if a.status > 299 || a.stream != nil || a.body.Len() > x.edge.config.MaxRemembered {
		return nil
	}
	if a.isJSON {
		a.set("Content-Type", x.edge.fixed.json[0])
		a.isJSON = false
	}
	if x.edge.config.Seal != nil && x.route.http.Method == "GET" {
		return nil // it may tell of anything, and has no effect to be had once
	}
	body, err := x.edge.config.Seal.Keep(x.r.Context(), x.route.action.HTTP.Out, a.body.Bytes(), "")
	if err != nil {
		x.logged(fmt.Errorf("remember answer: %w", err))
		return nil
	}
	return record{digest, a.status, a.header, body}.encode()
}

func (x *exchange) replay(data []byte, digest [16]byte) error {
	if err := x.edge.config.Backend.Allow(x.r.Context(), x.route.action, x.req); err != nil {
		return err
	}
	rec, err := decodeRecord(data)
	if err != nil {
		return err
	}
	if rec.digest != digest {
		return invalid("header."+keyHeader, "was used before with another input: use a new key for a new request")
	}
	a := answer{status: rec.status, header: append(rec.header, pair{"Talix-Replayed", "true"})}
	body, err := x.edge.config.Seal.Kept(x.r.Context(), rec.body)
	if err != nil {
		return err
	}
	a.body.Write(body)
	return x.send(&a)
}

// flights are the keys whose first answer is under way.
type flights struct {
	mu  sync.Mutex
	all map[store.ID]*flight
}

type flight struct {
	done chan struct{}
	kept []byte // set before done is closed
}

// join waits for the answer of the one that has the key, and is then nil; or it
// makes the caller that one, who has to leave.
func (f *flights) join(ctx context.Context, key store.ID) ([]byte, error) {
	for {
		f.mu.Lock()
		other, ok := f.all[key]
		if !ok {
			if f.all == nil {
				f.all = map[store.ID]*flight{}
			}
			f.all[key] = &flight{done: make(chan struct{})}
			f.mu.Unlock()
			return nil, nil
		}
		f.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if other.kept != nil {
			return other.kept, nil
		}
	}
}

// leave hands the answer to those that wait; nil: they have to try themselves.
func (f *flights) leave(key store.ID, kept []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	other := f.all[key]
	delete(f.all, key)
	other.kept = kept
	close(other.done)
}
