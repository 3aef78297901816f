package broker

// DeadLetter is the topic to which Dead moves the messages of a topic. It is
// received like any other, and what is published back to the topic, without
// the attributes below, is tried again. Where a broker's names can't be so, its
// driver's package says what it uses instead.
func DeadLetter(topic string) string { return topic + "-dead" }

// Attributes of messages in a dead-letter topic, beside their own.
const (
	// DeadReason is the reason that Dead was given.
	DeadReason = "talix-dead-reason"
	// DeadTopic is the topic that the message came from.
	DeadTopic = "talix-dead-topic"
	// DeadGroup is the group that gave it up.
	DeadGroup = "talix-dead-group"
)
