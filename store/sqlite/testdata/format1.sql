-- A store as the releases that knew format 1 made it: six events of two streams.
PRAGMA application_id=1953265765;
PRAGMA user_version=1;
CREATE TABLE events(
	position INTEGER PRIMARY KEY,
	stream INTEGER NOT NULL,
	version INTEGER NOT NULL,
	prev INTEGER NOT NULL,
	anchor INTEGER NOT NULL,
	type INTEGER NOT NULL,
	schema INTEGER NOT NULL,
	time INTEGER NOT NULL,
	sum INTEGER,
	id BLOB,
	command BLOB,
	correlation BLOB,
	causation BLOB,
	metadata TEXT,
	data TEXT
);
INSERT INTO "events" VALUES(1,1,1,0,0,1,2,1700000000123456,936073979,X'01010100000000000000000000000000',X'01010100000000000000000000000000',NULL,X'',NULL,'{"value":1}');
INSERT INTO "events" VALUES(2,2,1,0,0,1,2,1700000000123456,3599723609,X'01020100000000000000000000000000',X'01020100000000000000000000000000',NULL,X'',NULL,'{"value":1}');
INSERT INTO "events" VALUES(3,1,2,1,0,1,2,1700000000123456,1029322842,X'01010200000000000000000000000000',X'01010200000000000000000000000000',NULL,X'',NULL,'{"value":2}');
INSERT INTO "events" VALUES(4,2,2,2,0,1,2,1700000000123456,1675883017,X'01020200000000000000000000000000',X'01020200000000000000000000000000',NULL,X'',NULL,'{"value":2}');
INSERT INTO "events" VALUES(5,1,3,3,0,1,2,1700000000123456,316171060,X'01010300000000000000000000000000',X'01010300000000000000000000000000',NULL,X'',NULL,'{"value":3}');
INSERT INTO "events" VALUES(6,2,3,4,0,1,2,1700000000123456,4087109014,X'01020300000000000000000000000000',X'01020300000000000000000000000000',NULL,X'',NULL,'{"value":3}');
CREATE TABLE heads(stream INTEGER PRIMARY KEY, version INTEGER NOT NULL, position INTEGER NOT NULL, anchor INTEGER NOT NULL);
INSERT INTO "heads" VALUES(1,3,5,0);
INSERT INTO "heads" VALUES(2,3,6,0);
CREATE TABLE marks(consumer TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO "marks" VALUES('viewone',3);
INSERT INTO "marks" VALUES('viewtwo',3);
CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO "meta" VALUES('identity','1369fe25-50ba-1908-da2c-2c79d5a001ba');
CREATE TABLE result_ages(seq INTEGER PRIMARY KEY, oldest INTEGER NOT NULL, keys BLOB NOT NULL);
INSERT INTO "result_ages" VALUES(1,1700000000123456,X'01010100000000000000000000000000');
INSERT INTO "result_ages" VALUES(2,1700000000123456,X'01020100000000000000000000000000');
INSERT INTO "result_ages" VALUES(3,1700000000123456,X'01010200000000000000000000000000');
INSERT INTO "result_ages" VALUES(4,1700000000123456,X'01020200000000000000000000000000');
INSERT INTO "result_ages" VALUES(5,1700000000123456,X'01010300000000000000000000000000');
INSERT INTO "result_ages" VALUES(6,1700000000123456,X'01020300000000000000000000000000');
CREATE TABLE results(key BLOB PRIMARY KEY, time INTEGER NOT NULL, result BLOB) WITHOUT ROWID;
INSERT INTO "results" VALUES(X'01010100000000000000000000000000',1700000000123456,X'223122');
INSERT INTO "results" VALUES(X'01010200000000000000000000000000',1700000000123456,X'223222');
INSERT INTO "results" VALUES(X'01010300000000000000000000000000',1700000000123456,X'223322');
INSERT INTO "results" VALUES(X'01020100000000000000000000000000',1700000000123456,X'223122');
INSERT INTO "results" VALUES(X'01020200000000000000000000000000',1700000000123456,X'223222');
INSERT INTO "results" VALUES(X'01020300000000000000000000000000',1700000000123456,X'223322');
CREATE TABLE streams(stream INTEGER PRIMARY KEY, type TEXT NOT NULL, id TEXT NOT NULL, UNIQUE(id, type));
INSERT INTO "streams" VALUES(1,'a','one');
INSERT INTO "streams" VALUES(2,'b','two');
CREATE TABLE types(type INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
INSERT INTO "types" VALUES(1,'TEST:EVENT');
CREATE INDEX result_ages_oldest ON result_ages(oldest);
CREATE VIEW log AS SELECT e.position,
	strftime('%Y-%m-%dT%H:%M:%S', (e.time - (e.time%1000000 + 1000000)%1000000)/1000000, 'unixepoch') || printf('.%06dZ', (e.time%1000000 + 1000000)%1000000) AS time,
	s.type AS entity,
	s.id AS entity_id,
	e.version,
	t.name AS type,
	e.schema,
	e.data,
	e.metadata,
	lower(substr(hex(e.id),1,8)||'-'||substr(hex(e.id),9,4)||'-'||substr(hex(e.id),13,4)||'-'||substr(hex(e.id),17,4)||'-'||substr(hex(e.id),21)) AS id,
	lower(substr(hex(e.command),1,8)||'-'||substr(hex(e.command),9,4)||'-'||substr(hex(e.command),13,4)||'-'||substr(hex(e.command),17,4)||'-'||substr(hex(e.command),21)) AS command,
	CASE WHEN e.correlation IS NULL THEN lower(substr(hex(e.command),1,8)||'-'||substr(hex(e.command),9,4)||'-'||substr(hex(e.command),13,4)||'-'||substr(hex(e.command),17,4)||'-'||substr(hex(e.command),21)) WHEN length(e.correlation) = 16 THEN lower(substr(hex(e.correlation),1,8)||'-'||substr(hex(e.correlation),9,4)||'-'||substr(hex(e.correlation),13,4)||'-'||substr(hex(e.correlation),17,4)||'-'||substr(hex(e.correlation),21)) END AS correlation,
	CASE WHEN e.causation IS NULL THEN lower(substr(hex(e.command),1,8)||'-'||substr(hex(e.command),9,4)||'-'||substr(hex(e.command),13,4)||'-'||substr(hex(e.command),17,4)||'-'||substr(hex(e.command),21)) WHEN length(e.causation) = 16 THEN lower(substr(hex(e.causation),1,8)||'-'||substr(hex(e.causation),9,4)||'-'||substr(hex(e.causation),13,4)||'-'||substr(hex(e.causation),17,4)||'-'||substr(hex(e.causation),21)) END AS causation
FROM events e JOIN streams s ON s.stream = e.stream JOIN types t ON t.type = e.type;
