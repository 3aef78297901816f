package redis

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

var (
	errVolatile = errors.New("this Redis may forget what it has acknowledged")
	errReplicas = errors.New("too few replicas have the message")
)

// soundness is what is known of the server's durability.
type soundness struct {
	mu    sync.Mutex
	known bool
	sync  bool // Publish has to ask for the sync
}

// durability reads the server's settings, once, and tells whether Publish has
// to ask for the sync of the file.
func (b *Broker) durability(ctx context.Context) (ask bool, err error) {
	b.sound.mu.Lock()
	known, ask := b.sound.known, b.sound.sync
	b.sound.mu.Unlock()
	if known || b.cfg.Volatile {
		return ask, nil
	}
	if ask, err = b.judge(ctx); err != nil {
		return false, err
	}
	b.sound.mu.Lock()
	defer b.sound.mu.Unlock()
	b.sound.known, b.sound.sync = true, ask
	return ask, nil
}

func (b *Broker) judge(ctx context.Context) (ask bool, err error) {
	settings, err := b.client.ConfigGet(ctx, "append*").Result()
	switch {
	case err != nil && answered(err):
		return false, nil // hidden, or not Redis itself: trusted
	case err != nil:
		return false, err
	case settings["appendonly"] == "yes" && settings["appendfsync"] == "always":
		return false, nil
	case settings["appendonly"] == "yes":
		// It asks for nothing, and tells whether the server knows the command.
		err := b.client.Do(ctx, "WAITAOF", 0, 0, 1).Err()
		if err == nil || !answered(err) {
			return true, err
		}
	}
	return false, fmt.Errorf("%w: appendonly is %q and appendfsync is %q; set them to yes and always, or accept it with Config.Volatile",
		errVolatile, settings["appendonly"], settings["appendfsync"])
}
