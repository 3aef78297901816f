package nats

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/talix-dev/talix/broker"
)

// kept says which stream keeps a topic.
type kept struct {
	stream string
	atomic bool // it takes several messages as one batch
}

// stream is what keeps a topic. It is made if need be.
func (b *Broker) stream(ctx context.Context, topic string) (kept, error) {
	b.mu.Lock()
	k, ok := b.streams[topic]
	b.mu.Unlock()
	if ok {
		return k, nil
	}
	info, err := b.find(ctx, topic)
	if err != nil {
		return kept{}, err
	}
	k = kept{info.Config.Name, info.Config.AllowAtomicPublish}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.streams[topic] = k
	return k, nil
}

func (b *Broker) find(ctx context.Context, topic string) (*jetstream.StreamInfo, error) {
	ctx, cancel := b.request(ctx)
	defer cancel()
	name, err := b.js.StreamNameBySubject(ctx, topic)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		name, err = b.create(ctx, topic)
	}
	if err != nil {
		return nil, err
	}
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// forget has the stream of a topic looked up anew.
func (b *Broker) forget(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.streams, topic)
}

// errNoStream: the topic has no stream, and none may be made.
var errNoStream = errors.New("no stream has this subject")

func (b *Broker) create(ctx context.Context, topic string) (string, error) {
	switch {
	case wildcard(topic):
		return "", fmt.Errorf("%w: make one, as in: nats stream add --subjects %q", errNoStream, topic)
	case b.config.NoCreate:
		return "", fmt.Errorf("%w, and Config.NoCreate forbids to make one: make it, as in: nats stream add --subjects %q", errNoStream, topic)
	}
	c := jetstream.StreamConfig{
		Name: streamName(topic), Subjects: []string{topic}, Replicas: b.config.Replicas, MaxAge: b.config.MaxAge,
		Duplicates: 2 * time.Minute, AllowDirect: true, AllowAtomicPublish: true, Description: "topic of talix",
	}
	if strings.HasSuffix(topic, broker.DeadLetter("")) {
		c.MaxAge = 0
	}
	if c.MaxAge > 0 {
		c.Duplicates = min(c.Duplicates, c.MaxAge)
	}
	if _, err := b.js.CreateStream(ctx, c); err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return "", fmt.Errorf("make stream %s: %w", c.Name, err)
	}
	return b.js.StreamNameBySubject(ctx, topic)
}

// streamName is the topic if it can be, else the topic with what a name can't
// have replaced, and a sum of what was there.
func streamName(topic string) string {
	odd := func(r rune) rune {
		if r > ' ' && r < 0x7f && !strings.ContainsRune(`.*>/\`, r) {
			return r
		}
		return '_'
	}
	name := strings.Map(odd, topic)
	if name != topic {
		sum := sha256.Sum256([]byte(topic))
		name += "_" + hex.EncodeToString(sum[:4])
	}
	return name
}

func wildcard(topic string) bool { return beforeWildcard(topic) != topic }

// beforeWildcard is the part of a subject without wildcards.
func beforeWildcard(topic string) string {
	tokens := strings.Split(topic, ".")
	for i, token := range tokens {
		if token == "*" || token == ">" {
			return strings.Join(tokens[:i], ".")
		}
	}
	return topic
}

// deadLetter is the topic of dead letters.
func deadLetter(topic string) string {
	return strings.TrimPrefix(broker.DeadLetter(beforeWildcard(topic)), "-")
}

// checkTopic refuses what is no subject.
func checkTopic(topic string) error {
	for token := range strings.SplitSeq(topic, ".") {
		if token == "" || strings.ContainsAny(token, " \t\r\n") {
			return fmt.Errorf("topic %q is no subject of NATS: it is words with dots between, without blanks", topic)
		}
	}
	return nil
}
