// Package sqlite keeps a store in a folder of the local disk, without cgo and
// without a server: events.db holds the log (Store), views.db the tables of
// views (Tables). Both are ordinary SQLite databases that the sqlite3 program
// opens; `SELECT * FROM log` shows every event readably.
//
// The events of one entity are a chain, which is followed from its end:
//
//	WITH RECURSIVE chain(at) AS (
//		SELECT h.position FROM heads h JOIN streams s USING(stream) WHERE s.type = 'document' AND s.id = 'd1'
//		UNION ALL SELECT e.prev FROM chain JOIN events e ON e.position = at WHERE e.prev > 0)
//	SELECT l.* FROM chain JOIN log l ON l.position = at ORDER BY l.version
//
// # What is promised
//
// A Durable outcome of Commit was synced to disk: it survives kill -9 and
// power loss, as far as the disk keeps what it acknowledged. One process at a
// time owns a folder; a second one is told who the owner is. Every event and
// record carries a checksum, so that damage is reported, never read.
//
// # Caveats
//
// The folder must be on a local file system: SQLite's write-ahead log needs
// shared memory and true locks, which network file systems don't offer.
// A store has one partition. Events and records must not be changed by hand:
// their checksum will not match; one whose sum is NULL is not checked. A folder
// that an older release made is brought up to date when it is opened, and the
// older release refuses it from then on.
//
// # Reading the source
//
// Open (store.go, file.go, lock.go, schema.go), then Commit (commit.go,
// judge.go, heads.go, insert.go, record.go), then the readers (readers.go,
// load.go, row.go, keeper.go). Views start at tables.go.
package sqlite
