package kafka

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// waiter waits until the position of a partition is committed.
type waiter struct {
	partition *partition
	position  int64
	done      chan error
}

// commit commits positions that have moved, one request at a time; while it is
// under way, the next settlements gather.
func (r *receiver) commit(ctx context.Context) {
	for failures := 0; ; {
		select {
		case <-ctx.Done():
			return
		case <-r.commits:
		}
		for offsets := r.due(); len(offsets) > 0 && ctx.Err() == nil; offsets = r.due() {
			err := r.commitNow(ctx, offsets)
			if err == nil {
				r.store(offsets)
				failures = 0
				continue
			}
			if failures++; failures == 1 && ctx.Err() == nil {
				r.broker.cfg.Log.LogAttrs(ctx, slog.LevelWarn, "committing offsets to kafka failed, trying again",
					slog.String("topic", r.sub.Topic), slog.Any("error", err))
			}
			_ = pause(ctx, failures)
		}
	}
}

// due is the positions that have to be committed.
func (r *receiver) due() map[*partition]kgo.EpochOffset {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := map[*partition]kgo.EpochOffset{}
	for _, p := range r.partitions {
		if at := p.position(); at != p.stored {
			due[p] = kgo.EpochOffset{Epoch: -1, Offset: at}
		}
	}
	return due
}

func (r *receiver) commitNow(ctx context.Context, offsets map[*partition]kgo.EpochOffset) error {
	request := map[int32]kgo.EpochOffset{}
	for p, at := range offsets {
		request[p.id] = at
	}
	done := make(chan error, 1)
	r.client.CommitOffsets(ctx, map[string]map[int32]kgo.EpochOffset{r.sub.Topic: request},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			done <- errors.Join(err, refusal(response))
		})
	return <-done
}

// refusal is the first error of a response.
func refusal(response *kmsg.OffsetCommitResponse) error {
	if response == nil {
		return nil
	}
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return err
			}
		}
	}
	return nil
}

// store notes what the servers have committed.
func (r *receiver) store(offsets map[*partition]kgo.EpochOffset) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, at := range offsets {
		p.stored = at.Offset
	}
	r.answer(func(w waiter) bool { return w.partition.stored >= w.position }, nil)
	wake(r.moved)
}

// answer answers some waiters; r.mu is held.
func (r *receiver) answer(which func(waiter) bool, err error) {
	r.waiters = slices.DeleteFunc(r.waiters, func(w waiter) bool {
		if which(w) {
			w.done <- err
			return true
		}
		return false
	})
}
