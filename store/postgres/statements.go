package postgres

import "fmt"

// statements are the texts of statements, with the schema's name.
type statements struct {
	walks   walks
	writing [][2]string // names and texts of what writers prepare

	number, load, loadBack, log, head, result, trim, mark, record, records, due, beat, nodes, leave, claimRow, claimLease, claim, release, owners, results, marks, spaces string
}

const eventColumns = "e.position, e.version, e.schema, e.time, e.sum, e.id, e.command, e.correlation, e.causation, e.type, e.metadata, e.data"

const recordColumns = "r.space, r.key, r.rev, r.due, r.data"

func newStatements(schema string) statements {
	in := func(text string) string { return fmt.Sprintf(text, quoted(schema)) }
	return statements{
		writing: [][2]string{
			{commitStatement, callText(schema)}, {wholeStatement, wholeText(schema)}, {trustedStatement, trustedText(schema)},
			{lookStatement, in(lookText)}, {resolveStatement, in(resolveText)},
		},
		beat: in(`INSERT INTO %s.nodes AS n (node, address, until) VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 second')
			ON CONFLICT (node) DO UPDATE SET address = excluded.address, until = excluded.until`),
		nodes: in("SELECT n.node, n.address, extract(epoch FROM n.until - clock_timestamp())::float8 FROM %s.nodes n"),
		leave: in("DELETE FROM %s.nodes n WHERE n.node = $1"),
		// A claim may wait for a commit, and the owner's lease may be renewed
		// meanwhile. So it first has the row, then has the owner wait who is about
		// to renew, who finds out afterwards that it was claimed; only then it judges.
		claimRow:   in("SELECT FROM %s.partitions p WHERE p.partition = $1 FOR UPDATE"),
		claimLease: in("SELECT FROM %[1]s.nodes n WHERE n.node = (SELECT p.owner FROM %[1]s.partitions p WHERE p.partition = $1) FOR SHARE"),
		claim: in(`UPDATE %[1]s.partitions p SET owner = $2, epoch = p.epoch + 1
			WHERE p.partition = $1 AND (p.owner IS NULL OR p.owner = $2
				OR NOT EXISTS (SELECT FROM %[1]s.nodes n WHERE n.node = p.owner AND n.until > statement_timestamp()))
			RETURNING p.epoch`),
		release:  in("UPDATE %s.partitions p SET owner = NULL, epoch = p.epoch + 1 WHERE p.partition = $1 AND p.owner = $2 AND p.epoch = $3"),
		owners:   in("SELECT p.partition, p.owner, p.epoch FROM %s.partitions p WHERE p.owner IS NOT NULL"),
		number:   in("SELECT s.stream FROM %s.streams s WHERE s.id = $1 AND s.type = $2"),
		load:     in("SELECT " + eventColumns + " FROM %s.events e WHERE e.stream = $1 AND e.version > $2 ORDER BY e.version LIMIT $3"),
		loadBack: in("SELECT " + eventColumns + " FROM %s.events e WHERE e.stream = $1 AND e.version < $2 ORDER BY e.version DESC LIMIT $3"),
		walks:    newWalks(schema),
		log:      in("SELECT " + eventColumns + ", s.type, s.id FROM %[1]s.events e LEFT JOIN %[1]s.streams s ON s.stream = e.stream WHERE e.partition = $1 AND e.position > $2 ORDER BY e.position LIMIT $3"),
		head:     in("SELECT p.head FROM %s.partitions p WHERE p.partition = $1"),
		result:   in("SELECT r.result FROM %s.results r WHERE r.key = $2 AND r.partition = $1"),
		trim:     in("DELETE FROM %[1]s.results WHERE (key, partition) IN (SELECT r.key, r.partition FROM %[1]s.results r WHERE r.time < $1 ORDER BY r.time LIMIT $2 FOR UPDATE SKIP LOCKED)"),
		mark:     in("SELECT m.position FROM %s.marks m WHERE m.partition = $1 AND m.consumer = $2"),
		results:  in("SELECT r.partition, r.key, r.result, r.time FROM %s.results r WHERE (r.key, r.partition) > ($1, $2) ORDER BY r.key, r.partition LIMIT $3"),
		marks:    in("SELECT m.consumer, m.position FROM %s.marks m WHERE m.partition = $1 AND m.consumer > $2 ORDER BY m.consumer LIMIT $3"),
		spaces:   in("SELECT DISTINCT r.space FROM %s.records r WHERE r.partition = $1 ORDER BY r.space"),
		record:   in("SELECT " + recordColumns + " FROM %s.records r WHERE r.partition = $1 AND r.space = $2 AND r.key = $3"),
		records:  in("SELECT " + recordColumns + " FROM %s.records r WHERE r.partition = $1 AND r.space = $2 AND r.key >= $3 AND r.key > $4 AND r.key < $5 ORDER BY r.partition, r.space, r.key LIMIT $6"),
		due:      in("SELECT " + recordColumns + " FROM %s.records r WHERE r.partition = $1 AND r.space = $2 AND (r.due, r.key) > ($3, $4) AND r.due <= $5 ORDER BY r.partition, r.space, r.due, r.key LIMIT $6"),
	}
}
