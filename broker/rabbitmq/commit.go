package rabbitmq

import amqp "github.com/rabbitmq/amqp091-go"

// commit stores positions one at a time; while one is under way, the next
// settlements gather.
type commit struct {
	ballot   *ballot
	stored   int64 // the last one that was begun, -1 to begin it again
	underway *amqp.DeferredConfirmation
}

// begin stores the position if it has moved and nothing is under way.
func (c *commit) begin(position int64) (err error) {
	if c.underway != nil || position == c.stored {
		return nil
	}
	c.stored = position
	c.underway, err = c.ballot.commit(position)
	return err
}

// done is closed when what is under way has ended; nil if there is nothing.
func (c *commit) done() <-chan struct{} {
	if c.underway == nil {
		return nil
	}
	return c.underway.Done()
}

// end tells which position is stored now.
func (c *commit) end() (position int64, err error) {
	acked := c.underway.Acked()
	c.underway = nil
	if !acked {
		return 0, errRefused
	}
	return c.stored, nil
}
