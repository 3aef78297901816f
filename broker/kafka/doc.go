// Package kafka is the broker driver for Kafka 2.4 or later, and systems that
// speak its protocol, such as Redpanda.
//
// # What is what
//
// A Topic is a topic; Publish and Receive make it if it is missing. A Group is
// the consumer group TOPIC.GROUP; a new one begins with the oldest record of
// each partition. The dead-letter topic is one more topic,
// broker.DeadLetter(topic). Names of topics have letters, digits, dots, dashes
// and underscores.
//
// A message's Key is the record's key, its Time the record's timestamp, its
// Attributes the headers, its ID the header talix-id. Records of other programs
// get an ID made of topic, partition and offset, unless Config.IDHeader names a
// header that has it. Kafka doesn't count attempts, so Attempt is zero.
//
// # Order, and several receivers
//
// A key's messages are in one partition, and a partition is with one receiver
// of the group at a time: so they stay in order, and as many receivers as there
// are partitions share the work. When a partition has to move to another
// receiver, it stays until what is in work of it is settled, at most for
// Config.Handover; the other partitions go on meanwhile. The number of
// partitions cannot be changed later without changing which keys are together:
// set Config.Partitions, or make the topics before.
//
// The committed offset of a partition moves past a record when it and all
// before it are settled, and Ack waits for that commit if nothing earlier is
// missing. After a crash, the records from there on come again, also those
// among them that were acknowledged.
//
// A receiver that was silent for Config.Session, or that lost its membership
// because the servers restarted, gets or leaves to others what it had in work;
// Ack of that fails.
//
// # Durability
//
// Publish returns when all replicas in sync have the records (acks=all, with an
// idempotent producer). In production, use three replicas and
// min.insync.replicas=2. Kafka leaves it to the system when it writes to the
// disk: a record survives as long as one of the replicas does. A topic's
// retention removes messages whether groups have received them or not: give it
// a wide margin. So does offsets.retention.minutes with the offsets of groups
// that nobody receives: such a group begins again with the oldest record.
package kafka
