// Package nats is a broker on NATS JetStream, by nats.go. Package embedded
// below it has the server in the same process.
//
// # Topics
//
// A topic is a subject. It is kept by the stream that has the subject, which is
// made when it is missing: a stream of this one subject, named like it ("." and
// what else names can't have replaced), with the settings of Config. Streams
// that exist are used as they are, so make them yourself to have others. Receive
// takes subjects with wildcards, such as "orders.>", if a stream has them; its
// dead letters go to the subject before the first wildcard, with "-dead".
//
// # Groups
//
// A group is not a consumer of JetStream: those deliver again, late, what a
// killed process had, when later messages of the same key were handled long
// ago. A group is a record in the bucket "talix-groups" instead: who of the
// group receives, and which messages are settled. It is written by
// compare-and-set, so that two receivers never both go on, and in groups, so
// that one write settles many messages. One receiver has a topic's messages at
// a time; the others stand by, and take over when it ends, or was silent for
// Config.Lease. Then everything that was not settled comes again, in order.
// What was settled never does, short of a lost stream.
//
// As messages are not removed when they were handled, the streams that this
// package makes keep them for ever unless Config.MaxAge says otherwise.
// Streams of the retention policies "workqueue" and "interest" can't be
// received: they need consumers.
//
// # Messages
//
// The ID is the header Nats-Msg-Id, by which JetStream drops what is published
// again within its window of duplicates (2 minutes in streams made here), the
// Key is Talix-Key and the time Talix-Time. Messages of others without the
// first have their stream and sequence as ID; without the second, their
// subject is their Key if it is not the topic itself. Attributes are headers of
// the same name; those that NATS can't carry as they are, such as values with
// line breaks, are in Talix-More, as base64 of JSON. Headers that begin with
// "Nats-" are no attributes.
//
// Messages of one key are published one after another, each when the one before
// it is stored; those of other keys at the same time.
//
// # In production
//
// Use three servers and Replicas 3, or sync_interval "always" in the server's
// configuration of JetStream: a single server acknowledges before it has
// written to disk, so that a power cut, unlike a crash of the server, loses what
// it acknowledged in the last two minutes. Give MaxAge, and watch the streams'
// sizes. The user needs the rights to publish and subscribe to the topics,
// "$JS.API.>", "$KV.talix-groups.>" and "_INBOX.>".
package nats
