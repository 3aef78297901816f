-- The event store. It runs with search_path at the schema that holds it.

CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);

-- One row for each partition. Whoever commits to a partition moves its head,
-- and so holds the row until the commit is over: positions become visible in
-- the order of their commits, and nothing of the partition changes meanwhile.
CREATE TABLE partitions (
	partition int4 PRIMARY KEY,
	head      int8 NOT NULL DEFAULT 0, -- position of the last event
	epoch     int8 NOT NULL DEFAULT 0, -- grows with each claim and release
	owner     text COLLATE "C"         -- the node that claimed it, if any
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

-- Nodes that serve partitions, and until when, by the clock of the database.
CREATE TABLE nodes (
	node    text COLLATE "C" PRIMARY KEY,
	address text NOT NULL,
	until   timestamptz NOT NULL
) WITH (fillfactor = 50);

-- What the numbers of streams stand for. A stream's number is made of its
-- partition and the position of its first event.
CREATE TABLE streams (
	stream    int8 PRIMARY KEY,
	partition int4 NOT NULL,
	type      text COLLATE "C" NOT NULL,
	id        text COLLATE "C" NOT NULL,
	UNIQUE (id, type)
);

CREATE TABLE events (
	partition   int4 NOT NULL,
	position    int8 NOT NULL,
	stream      int8 NOT NULL,
	version     int8 NOT NULL,
	schema      int8 NOT NULL,
	time        timestamptz NOT NULL,
	sum         int4, -- CRC-32C; null: not checked
	id          uuid,
	command     uuid,
	correlation uuid,
	causation   uuid,
	type        text COLLATE "C" NOT NULL,
	metadata    bytea,
	data        bytea NOT NULL,
	PRIMARY KEY (partition, position),
	UNIQUE (stream, version)
);

CREATE TABLE results (
	key       uuid NOT NULL,
	partition int4 NOT NULL,
	time      timestamptz NOT NULL,
	result    bytea NOT NULL,
	PRIMARY KEY (key, partition)
);
CREATE INDEX results_time ON results (time);

CREATE TABLE marks (
	partition int4 NOT NULL,
	consumer  text COLLATE "C" NOT NULL,
	position  int8 NOT NULL,
	PRIMARY KEY (partition, consumer)
) WITH (fillfactor = 50);

CREATE TABLE records (
	partition int4 NOT NULL,
	space     bytea NOT NULL,
	key       bytea NOT NULL,
	rev       uuid NOT NULL,
	due       int8, -- microseconds since 1970
	data      bytea NOT NULL,
	PRIMARY KEY (partition, space, key)
);
CREATE INDEX records_due ON records (partition, space, due, key) WHERE due IS NOT NULL;

-- readable is what people see of bytes. Workers must not run it in parallel: to catch
-- an error it begins a subtransaction.
CREATE FUNCTION readable(bytes bytea) RETURNS text LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL UNSAFE AS $$
BEGIN
	RETURN convert_from(bytes, 'UTF8');
EXCEPTION WHEN OTHERS THEN
	RETURN encode(bytes, 'escape');
END $$;

-- log shows every event readably.
CREATE VIEW log AS
SELECT e.partition, e.position, e.time, s.type AS entity, s.id, e.version, e.type, e.schema,
	readable(e.data) AS data, readable(e.metadata) AS metadata,
	e.id AS event, e.command, e.correlation, e.causation
FROM events e JOIN streams s USING (stream);

-- commit_group writes changes of several partitions, g_partition in ascending
-- order; the other arrays name a partition by its place there (…_at, from 1)
-- and a position by its distance from the partition's head. The changes of one
-- partition are all or nothing: it is refused, by its place, if its head or
-- epoch is not as given (null: any) or if anything that its changes rest on is
-- not as expected. bases are the heads before.
CREATE FUNCTION commit_group(
	g_of int4, g_unsynced bool,
	g_partition int4[], g_events int4[], g_head int8[], g_epoch int8[],
	-- Streams that have to be looked at: their number, null for new ones, and
	-- version.
	c_at int4[], c_type text[], c_id text[], c_stream int8[], c_version int8[],
	-- New streams, with the distance of their first event.
	n_at int4[], n_first int4[], n_type text[], n_id text[],
	-- Events; those of new streams have the distance of the stream's first event
	-- in place of its number.
	e_at int4[], e_distance int4[], e_stream int8[], e_first int4[], e_version int8[], e_schema int8[],
	e_time timestamptz[], e_sum int4[], e_id uuid[], e_command uuid[], e_correlation uuid[], e_causation uuid[],
	e_type text[], e_metadata bytea[], e_data bytea[],
	-- Results.
	k_at int4[], k_key uuid[], k_time timestamptz[], k_result bytea[],
	-- Marks.
	m_at int4[], m_consumer text[], m_from int8[], m_to int8[],
	-- Records: revisions expected (null: no record), keys to delete from and
	-- till, records to delete, records to put; they are done in this order.
	x_at int4[], x_space bytea[], x_key bytea[], x_rev uuid[],
	u_at int4[], u_space bytea[], u_from bytea[], u_till bytea[],
	d_at int4[], d_space bytea[], d_key bytea[],
	w_at int4[], w_space bytea[], w_key bytea[], w_rev uuid[], w_due int8[], w_data bytea[],
	OUT bases int8[], OUT refused int4[])
LANGUAGE plpgsql VOLATILE
SET search_path FROM CURRENT
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_bitmapscan = off
AS $$
DECLARE
	moved int4[];
BEGIN
	-- An acknowledged event survives, whatever the session was told.
	IF NOT g_unsynced AND current_setting('synchronous_commit') = 'off' THEN
		PERFORM set_config('synchronous_commit', 'on', true);
	END IF;

	WITH m AS (
		UPDATE partitions p SET head = p.head + g.events
		FROM unnest(g_partition, g_events, g_head, g_epoch) WITH ORDINALITY AS g(partition, events, head, epoch, at)
		WHERE p.partition = g.partition AND (g.head IS NULL OR p.head = g.head) AND (g.epoch IS NULL OR p.epoch = g.epoch)
		RETURNING g.at::int4, p.head - g.events AS base)
	SELECT array_agg(m.base ORDER BY m.at), array_agg(m.at ORDER BY m.at) INTO bases, moved FROM m;
	refused := '{}';
	IF cardinality(moved) IS DISTINCT FROM cardinality(g_partition) THEN
		refused := ARRAY(SELECT at FROM generate_series(1, cardinality(g_partition)) AS at WHERE at <> ALL(coalesce(moved, '{}')));
		bases := ARRAY(SELECT bases[array_position(moved, at)] FROM generate_series(1, cardinality(g_partition)) AS at);
	END IF;

	-- From here on, what is read of these partitions is what stays.
	IF cardinality(c_at) > 0 THEN
		refused := refused || ARRAY(
			SELECT c.at FROM unnest(c_at, c_type, c_id, c_stream, c_version) AS c(at, type, id, stream, version)
			WHERE c.stream IS DISTINCT FROM (SELECT s.stream FROM streams s WHERE s.id = c.id AND s.type = c.type)
			OR c.version <> coalesce((SELECT e.version FROM events e WHERE e.stream = c.stream ORDER BY e.version DESC LIMIT 1), 0));
	END IF;
	IF cardinality(k_at) > 0 THEN
		refused := refused || ARRAY(
			SELECT k.at FROM unnest(k_at, k_key) AS k(at, key)
			WHERE EXISTS (SELECT FROM results r WHERE r.key = k.key AND r.partition = g_partition[k.at]));
	END IF;
	IF cardinality(m_at) > 0 THEN
		refused := refused || ARRAY(
			SELECT m.at FROM unnest(m_at, m_consumer, m_from) AS m(at, consumer, position)
			WHERE m.position <> coalesce((SELECT o.position FROM marks o WHERE o.partition = g_partition[m.at] AND o.consumer = m.consumer), 0));
	END IF;
	IF cardinality(x_at) > 0 THEN
		refused := refused || ARRAY(
			SELECT x.at FROM unnest(x_at, x_space, x_key, x_rev) AS x(at, space, key, rev)
			WHERE x.rev IS DISTINCT FROM (SELECT r.rev FROM records r WHERE r.partition = g_partition[x.at] AND r.space = x.space AND r.key = x.key));
	END IF;
	IF cardinality(refused) > 0 THEN
		UPDATE partitions p SET head = p.head - g.events
		FROM unnest(g_partition, g_events) WITH ORDINALITY AS g(partition, events, at)
		WHERE p.partition = g.partition AND g.events > 0 AND g.at = ANY(refused) AND g.at = ANY(moved);
		IF cardinality(g_partition) = (SELECT count(DISTINCT r) FROM unnest(refused) r) THEN
			RETURN;
		END IF;
	END IF;

	IF cardinality(n_at) > 0 THEN
		INSERT INTO streams (stream, partition, type, id)
		SELECT (bases[n.at] + n.first) * g_of + g_partition[n.at], g_partition[n.at], n.type, n.id
		FROM unnest(n_at, n_first, n_type, n_id) AS n(at, first, type, id) WHERE n.at <> ALL(refused);
	END IF;
	IF cardinality(e_at) > 0 THEN
		INSERT INTO events (partition, position, stream, version, schema, time, sum, id, command, correlation, causation, type, metadata, data)
		SELECT g_partition[e.at], bases[e.at] + e.distance, coalesce(e.stream, (bases[e.at] + e.first) * g_of + g_partition[e.at]),
			e.version, e.schema, e.time, e.sum, e.id, e.command, e.correlation, e.causation, e.type, e.metadata, e.data
		FROM unnest(e_at, e_distance, e_stream, e_first, e_version, e_schema, e_time, e_sum, e_id, e_command, e_correlation, e_causation, e_type, e_metadata, e_data)
			AS e(at, distance, stream, first, version, schema, time, sum, id, command, correlation, causation, type, metadata, data)
		WHERE e.at <> ALL(refused);
	END IF;
	IF cardinality(k_at) > 0 THEN
		INSERT INTO results (key, partition, time, result)
		SELECT k.key, g_partition[k.at], k.time, k.result
		FROM unnest(k_at, k_key, k_time, k_result) AS k(at, key, time, result) WHERE k.at <> ALL(refused);
	END IF;
	IF cardinality(m_at) > 0 THEN
		INSERT INTO marks (partition, consumer, position)
		SELECT g_partition[m.at], m.consumer, m.position
		FROM unnest(m_at, m_consumer, m_to) AS m(at, consumer, position) WHERE m.at <> ALL(refused)
		ON CONFLICT (partition, consumer) DO UPDATE SET position = excluded.position;
	END IF;
	IF cardinality(u_at) > 0 THEN
		DELETE FROM records r USING unnest(u_at, u_space, u_from, u_till) AS u(at, space, above, till)
		WHERE r.partition = g_partition[u.at] AND r.space = u.space AND r.key >= u.above AND r.key < u.till AND u.at <> ALL(refused);
	END IF;
	IF cardinality(d_at) > 0 THEN
		DELETE FROM records r USING unnest(d_at, d_space, d_key) AS d(at, space, key)
		WHERE r.partition = g_partition[d.at] AND r.space = d.space AND r.key = d.key AND d.at <> ALL(refused);
	END IF;
	IF cardinality(w_at) > 0 THEN
		INSERT INTO records (partition, space, key, rev, due, data)
		SELECT g_partition[w.at], w.space, w.key, w.rev, w.due, w.data
		FROM unnest(w_at, w_space, w_key, w_rev, w_due, w_data) AS w(at, space, key, rev, due, data) WHERE w.at <> ALL(refused)
		ON CONFLICT (partition, space, key) DO UPDATE SET rev = excluded.rev, due = excluded.due, data = excluded.data;
	END IF;
END $$;
