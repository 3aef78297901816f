package nats

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// record is what the bucket keeps of a group.
type record struct {
	Owner  string    `json:"owner,omitempty"` // the receiver; empty: none
	Run    string    `json:"run,omitempty"`   // the Broker that it belongs to
	Write  uint64    `json:"write"`           // rises with each write of an owner
	Stream string    `json:"stream"`
	Made   time.Time `json:"made"` // when the stream was: another one has other sequences
	cursor
}

// claim is a receiver's hold on its group: the record's owner and revision.
type claim struct {
	broker   *Broker
	bucket   jetstream.KeyValue
	key      string
	owner    string
	revision uint64
	record   record
}

// errTaken: another receiver has the group now.
var errTaken = errors.New("another receiver of the group has taken over, since this one was silent for too long")

// write replaces the record if it is still the claim's. The time until which
// others leave the group alone counts from before the write.
func (c *claim) write(ctx context.Context, r record) (until time.Time, err error) {
	sent := time.Now()
	r.Write = c.record.Write + 1
	value, err := json.Marshal(r)
	if err != nil {
		return until, fmt.Errorf("encode group: %w", err)
	}
	ctx, cancel := c.broker.request(ctx)
	defer cancel()
	revision, err := c.put(ctx, value)
	if conflict(err) {
		revision, err = c.find(ctx, r)
	}
	if err != nil {
		return until, err
	}
	c.revision, c.record = revision, r
	return sent.Add(c.broker.config.Lease), nil
}

func (c *claim) put(ctx context.Context, value []byte) (uint64, error) {
	if c.revision == 0 {
		return c.bucket.Create(ctx, c.key, value)
	}
	return c.bucket.Update(ctx, c.key, value, c.revision)
}

// find looks whether what stands there is an earlier try of the same owner,
// whose answer was lost. Then its place is taken at the next write.
func (c *claim) find(ctx context.Context, r record) (uint64, error) {
	entry, err := c.bucket.Get(ctx, c.key)
	if err != nil {
		return 0, err
	}
	var there record
	if err := json.Unmarshal(entry.Value(), &there); err != nil {
		return 0, fmt.Errorf("decode group: %w", err)
	}
	switch {
	case there.Owner == "" && r.Owner == "" && there.Write == r.Write:
		return entry.Revision(), nil // it was given up
	case there.Owner != c.owner:
		return 0, errTaken
	}
	c.revision = entry.Revision()
	return 0, errLost
}

func conflict(err error) bool {
	var api *jetstream.APIError
	return errors.Is(err, jetstream.ErrKeyExists) ||
		errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence
}

// read gets the record as it stands.
func (c *claim) read(ctx context.Context) error {
	ctx, cancel := c.broker.request(ctx)
	defer cancel()
	entry, err := c.bucket.Get(ctx, c.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		c.revision, c.record = 0, record{}
		return nil
	}
	if err != nil {
		return err
	}
	c.revision, c.record = entry.Revision(), record{}
	if err := json.Unmarshal(entry.Value(), &c.record); err != nil {
		return fmt.Errorf("decode group: %w", err)
	}
	return nil
}

// bucket has the groups of all topics.
func (b *Broker) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	b.mu.Lock()
	kv := b.groups
	b.mu.Unlock()
	if kv != nil {
		return kv, nil
	}
	const name = "talix-groups"
	ctx, cancel := b.request(ctx)
	defer cancel()
	kv, err := b.js.KeyValue(ctx, name)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = b.js.CreateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: name, Replicas: b.config.Replicas, Description: "where the groups of talix are in their topics",
		})
	}
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", name, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.groups = kv
	return kv, nil
}

// groupKey names the record of a group, in the letters that keys may have.
func groupKey(topic, group string) string { return keyPart(topic) + "/" + keyPart(group) }

func keyPart(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
		if letter || c == '.' && i > 0 && i < len(s)-1 && s[i-1] != '.' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	return b.String()
}
