package rabbitmq

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/talix-dev/talix/broker"
)

const (
	firstPause   = 20 * time.Millisecond
	longestPause = 2 * time.Second
)

// pause waits before the n-th attempt after a failure, counted from 0.
func pause(ctx context.Context, n int) error {
	d := min(firstPause<<min(n, 10), longestPause)
	timer := time.NewTimer(d/2 + rand.N(d/2)) //nolint:gosec // not for secrets
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var (
	errLost     = errors.New("the connection to the server was lost")
	errRefused  = errors.New("the server did not confirm")
	errReturned = errors.New("the exchange has no queue")
	errOrphan   = errors.New("another receiver of the group has taken over; the message comes again there")
	errNoStream = errors.New("the queue of the topic's name is no stream; choose another topic, or delete the queue")
)

// hopeless says what to do about an error after which no attempt can succeed,
// or nil.
func hopeless(err error) error {
	var answer *amqp.Error
	switch {
	case errors.Is(err, errNoStream), errors.Is(err, broker.ErrTooLarge):
		return err
	case !errors.As(err, &answer):
		return nil
	case errors.Is(err, amqp.ErrCredentials), answer.Code == amqp.AccessRefused:
		return fmt.Errorf("set the user and password in Address, and allow the user to configure, write and read the topic: %w", err)
	case errors.Is(err, amqp.ErrVhost), answer.Code == amqp.NotAllowed:
		return fmt.Errorf("set a vhost in Address that is there and that the user may use: %w", err)
	case tooLarge(err):
		return fmt.Errorf("%w: %w", broker.ErrTooLarge, err)
	case answer.Code == amqp.PreconditionFailed && strings.Contains(answer.Reason, headerOffset):
		return fmt.Errorf("%w: %w", errNoStream, err)
	case answer.Code == amqp.PreconditionFailed && strings.Contains(answer.Reason, amqp.QueueTypeArg):
		return fmt.Errorf("use RabbitMQ 3.9 or later with the feature flag stream_queue: %w", err)
	}
	return nil
}

func tooLarge(err error) bool {
	var answer *amqp.Error
	return errors.As(err, &answer) && answer.Code == amqp.PreconditionFailed && strings.Contains(answer.Reason, "message size")
}

func notFound(err error) bool {
	var answer *amqp.Error
	return errors.As(err, &answer) && answer.Code == amqp.NotFound
}
