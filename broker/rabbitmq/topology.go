package rabbitmq

import (
	"fmt"
	"net/url"
	"strconv"

	amqp "github.com/rabbitmq/amqp091-go"
)

// declare makes the exchange and the stream of a topic, as far as they are
// missing. What is there is left as it is.
func (b *Broker) declare(l *link, topic string) error {
	err := ensure(l,
		func(ch *amqp.Channel) error {
			return ch.ExchangeDeclarePassive(topic, amqp.ExchangeFanout, true, false, false, false, nil)
		},
		func(ch *amqp.Channel) error {
			return ch.ExchangeDeclare(topic, amqp.ExchangeFanout, true, false, false, false, nil)
		})
	if err != nil {
		return fmt.Errorf("make exchange %s: %w", topic, err)
	}
	if err := ensureQueue(l, topic, b.streamArgs()); err != nil {
		return fmt.Errorf("make stream %s: %w", topic, err)
	}
	err = l.with(func(ch *amqp.Channel) error { return ch.QueueBind(topic, "#", topic, false, nil) })
	if err != nil {
		return fmt.Errorf("bind stream %s to its exchange: %w", topic, err)
	}
	return nil
}

func (b *Broker) streamArgs() amqp.Table {
	args := amqp.Table{amqp.QueueTypeArg: amqp.QueueTypeStream}
	if b.cfg.MaxAge > 0 {
		args[amqp.StreamMaxAgeArg] = strconv.FormatInt(max(1, int64(b.cfg.MaxAge.Seconds())), 10) + "s"
	}
	if b.cfg.MaxBytes > 0 {
		args[amqp.StreamMaxLenBytesArg] = b.cfg.MaxBytes
	}
	if b.cfg.Replicas > 0 {
		args["x-initial-cluster-size"] = int64(b.cfg.Replicas)
	}
	return args
}

// declareGroup makes the queue that holds the group's position.
func (b *Broker) declareGroup(l *link, queue string) error {
	kind := amqp.QueueTypeQuorum
	if b.cfg.Replicas == 1 {
		kind = amqp.QueueTypeClassic
	}
	err := ensureQueue(l, queue, amqp.Table{amqp.QueueTypeArg: kind, amqp.SingleActiveConsumerArg: true})
	if err != nil {
		return fmt.Errorf("make queue %s: %w", queue, err)
	}
	return nil
}

func groupQueue(topic, group string) string {
	return "talix-group:" + url.PathEscape(topic) + "/" + url.PathEscape(group)
}

func ensureQueue(l *link, name string, args amqp.Table) error {
	return ensure(l,
		func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclarePassive(name, true, false, false, false, nil)
			return err
		},
		func(ch *amqp.Channel) error {
			_, err := ch.QueueDeclare(name, true, false, false, false, args)
			return err
		})
}

// ensure looks first: what was made with other settings is as good.
func ensure(l *link, look, create func(*amqp.Channel) error) error {
	err := l.with(look)
	if notFound(err) {
		return l.with(create)
	}
	return err
}

// declareOnce declares a topic that this link has not seen.
func (b *Broker) declareOnce(l *link, topic string) error {
	l.mu.Lock()
	known := l.declared[topic]
	l.mu.Unlock()
	if known {
		return nil
	}
	if err := b.declare(l, topic); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.declared[topic] = true
	return nil
}

// forget makes declareOnce declare it again.
func (l *link) forget(topic string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.declared, topic)
}
