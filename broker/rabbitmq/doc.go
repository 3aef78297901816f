// Package rabbitmq is the broker driver for RabbitMQ 3.9 or later.
//
// # What is what
//
// A Topic is a stream, the kind of queue that keeps what was read, and an
// exchange, both of that name. Publish and Receive make what is missing: the
// exchange as a fanout. Publish publishes to the exchange, so other programs
// may bind queues of their own to it; what they publish there, or to the stream
// directly, is received. Where the exchange is there already and of another
// type, the stream is bound to it with the key #; for a direct exchange, add
// the bindings that you want. The dead-letter topic is one more topic,
// broker.DeadLetter(topic).
//
// A Group is a small queue, talix-group:TOPIC/GROUP, a quorum queue by default. It holds where in
// the stream the group is, and its single active consumer is the receiver that
// works. A new group begins with the oldest message of the stream. To make a
// group begin again, or when you delete the stream, delete that queue.
//
// A message's ID is its message-id, its Key the header talix-key, its Time the
// header talix-time (milliseconds since 1970), its Attributes the other
// headers; where a name has a meaning for RabbitMQ, the header is
// talix-attr-NAME. Messages of other programs without a message-id get an ID
// made of the stream's name and the offset, their Key from the header that
// Config.KeyHeader names, their Time from the timestamp, and a content-type
// becomes an attribute of that name. RabbitMQ doesn't count attempts, so
// Attempt is zero.
//
// # Order, and several receivers
//
// One receiver of a group works at a time, the others of the same topic and
// group stand by until its connection ends, or has been silent for about two
// times Config.Heartbeat. So the messages of a key stay in order and with one
// receiver. The price: more machines don't make one topic faster; use several
// topics for that. The position moves past a message when it and all before it
// are settled; after a crash, the messages from there on come again, also those
// among them that were acknowledged.
//
// A process that was stopped for longer than that and then goes on still has
// its messages in work, while another receiver has been given them again; its
// Ack fails.
//
// # Durability
//
// Publish returns when the stream has confirmed: with several nodes, when most
// of them have the message. A stream leaves it to the system when it writes to
// the disk: it survives a crash of the server's processes, and a power cut
// where other nodes go on. In production run three nodes. Positions of groups
// are synced to the disk.
//
// # Size
//
// A stream grows until Config.MaxAge or Config.MaxBytes, whatever groups have
// received: set them with a wide margin, for what is removed before a group has
// received it is lost to the group.
package rabbitmq
