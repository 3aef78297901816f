package nats

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"github.com/nats-io/nats.go"
)

// Batches are smaller than what servers take by default: 1,000 messages.
const (
	batchMessages = 500
	batchBytes    = 8 << 20
)

// cut takes as many messages as make a batch.
func cut(all []outgoing) (now, later []outgoing) {
	size := 0
	for i, m := range all {
		size += m.msg.Size()
		if i == batchMessages || i > 0 && size > batchBytes {
			return all[:i], all[i:]
		}
	}
	return all, nil
}

// errNoBatch: the messages have to be sent one by one.
var errNoBatch = errors.New("the messages make no batch")

// publishBatch has the server store all messages in their order, or none; after
// an error they may be there none the less. It costs one sync of the disk.
func (b *Broker) publishBatch(ctx context.Context, topic string, all []outgoing) error {
	if len(all) < 2 {
		return errNoBatch
	}
	k, err := b.stream(ctx, topic)
	if err != nil || !k.atomic {
		return errors.Join(errNoBatch, err)
	}
	ctx, cancel := b.request(ctx)
	defer cancel()
	id := rand.Text()
	for i, m := range all[:len(all)-1] {
		if err := b.conn.PublishMsg(inBatch(m.msg, id, i+1, false)); err != nil {
			return fmt.Errorf("publish batch: %w", err)
		}
	}
	answer, err := b.conn.RequestMsgWithContext(ctx, inBatch(all[len(all)-1].msg, id, len(all), true))
	if err != nil {
		return fmt.Errorf("publish batch: %w", err)
	}
	return checkBatch(answer.Data, len(all))
}

func inBatch(m *nats.Msg, id string, number int, last bool) *nats.Msg {
	h := maps.Clone(m.Header)
	h.Set("Nats-Batch-Id", id)
	h.Set("Nats-Batch-Sequence", strconv.Itoa(number))
	if last {
		h.Set("Nats-Batch-Commit", "1")
	}
	return &nats.Msg{Subject: m.Subject, Header: h, Data: m.Data}
}

// checkBatch reads the server's acknowledgement of a batch.
func checkBatch(answer []byte, size int) error {
	var ack struct {
		Error *struct {
			Description string `json:"description"`
		} `json:"error"`
		Count int `json:"count"`
	}
	if err := json.Unmarshal(answer, &ack); err != nil {
		return fmt.Errorf("read acknowledgement: %w", err)
	}
	if ack.Error != nil || ack.Count != size {
		return fmt.Errorf("publish batch: %v, %d of %d messages: %w", ack.Error, ack.Count, size, errNoBatch)
	}
	return nil
}
