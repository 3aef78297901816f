// Package redis is the broker driver for Redis Streams (Redis 6.2 or later,
// Valkey).
//
// # What is what
//
// A Topic is the stream of that name. A Group is a consumer group of it, made
// at its first Receive and begun with the oldest entry of the stream. The
// dead-letter topic is one more stream, broker.DeadLetter(topic).
//
// A message is an entry of the stream with the fields talix-id, talix-key,
// talix-time (milliseconds since 1970) and data, and one field for each
// attribute, under its name; an attribute whose name is taken gets the field
// talix-attr-NAME. An entry that other programs have added is read by the same
// rules: it needs a field data; all others are its attributes. Its ID is made
// of the stream's name and the entry's id, or taken from Config.IDField; its
// Key comes from Config.KeyField. Its Time is the one of the entry's id.
//
// # Order, and several receivers
//
// One receiver of a group works at a time, the others of the same topic and
// group stand by. It holds a lease, a key of its own beside the stream, renews
// it as long as it lives, and gives it up when it ends; if it dies, another one
// takes over after Config.Lease. Every read checks the lease inside Redis, and
// what the group has pending is delivered before anything new. So the messages
// of a key stay in order and with one receiver, and a message may take as long
// as it wants. The price: more machines don't make one topic faster; use
// several topics for that. Other programs must not read with the same group.
//
// A process that was stopped for longer than the lease and then goes on still
// has its messages in work, while another receiver has been given them again.
//
// # Durability
//
// Redis by itself forgets up to a second's messages when it ends abruptly, and
// far more without an append-only file. Set
//
//	appendonly yes
//	appendfsync always
//
// With another appendfsync and Redis 7.2 or later, Publish asks for the sync by
// itself (WAITAOF). Publish and Receive fail with an error that says so where
// the server's settings can be read and keep no promise, unless Config.Volatile
// accepts that. Some hosts hide the settings; then they are trusted.
// Config.Replicas makes Publish wait for replicas too; Redis may still lose
// what it has promised when it fails over to a replica that lagged.
//
// maxmemory-policy must be noeviction: the stream is a key like any other.
//
// # Size
//
// A stream grows until it is trimmed. Config.Keep says how long messages that
// every group has taken care of are kept. Nothing that a group still needs is
// trimmed: a group that nobody receives any more keeps all; remove it with
// XGROUP DESTROY.
package redis
