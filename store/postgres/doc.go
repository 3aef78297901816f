// Package postgres keeps a store (Store) and view tables (Tables) in schemas of a
// PostgreSQL database, 14 or later, where any number of processes may have them
// open at a time.
//
// # What is promised
//
// A Durable outcome of Commit was synced to the server's disk: it survives the
// end of the process and of the server, and power loss, as far as the disk
// keeps what it acknowledged. Servers without fsync are refused, and a session
// with synchronous_commit off is overruled. With synchronous standbys, what
// synchronous_commit says about them holds.
//
// Each commit is one statement that commits by itself, so a process that is
// stopped in the middle holds nothing in the database that others wait for. It
// moves the heads of its partitions, whose rows stay locked until it is over;
// therefore positions become visible in the order of commits, versions are
// dense whoever writes, and a partition that another node has claimed (Claim)
// refuses what comes from the one before. Commits for several partitions that
// come at the same time share a statement.
//
// Where the server said that nothing was written, outcomes are Failed. Where
// the connection broke or the server did not answer in time, they are Unknown;
// who commits the same batch again, under the same key, is told what became of
// it. Every event carries a checksum, so that damage is reported, never read as
// an event.
//
// # For people
//
// The view log shows every event readably:
//
//	SELECT * FROM talix.log WHERE entity = 'document' AND id = 'd1' ORDER BY version;
//
// Names that PostgreSQL can't hold as text, since they are no valid UTF-8 or have
// a zero byte, are a backslash, x and hexadecimal digits there.
//
// Back the database up as any other, with pg_dump or by archiving its log. A
// server that was taken over by an asynchronous standby, or restored to an
// earlier time, may have lost acknowledged events and gives their positions
// again: stop all programs first and make the views anew.
//
// # Caveats
//
// Connections go through a pooler if that gives each client a session of its
// own; in PgBouncer: pool_mode = session. The user needs the right to make the
// schema once, and to read and write its tables ever after. Events must not be
// changed by hand: their checksum will not match; an event whose sum is NULL is
// not checked. Names of a stream have at most 2,500 bytes together.
//
// # Reading the source
//
// Open (store.go, migrate.go, schema/), then Commit (commit.go, queue.go,
// writer.go, plan.go, call.go, trusted.go, look.go), then the readers (read.go,
// load.go, row.go). Views start at tables.go.
package postgres
