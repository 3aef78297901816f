-- What stands beside view tables. It runs with search_path at their schema.

CREATE TABLE _talix_meta (name text PRIMARY KEY, value text NOT NULL);

-- The tables that were made: name is as SQL has it, title as it was given.
CREATE TABLE _talix_views (
	name        text COLLATE "C" PRIMARY KEY,
	title       text NOT NULL,
	view        text COLLATE "C" NOT NULL,
	fingerprint text NOT NULL
);

CREATE TABLE _talix_marks (
	view      text COLLATE "C" NOT NULL,
	partition int8 NOT NULL,
	position  int8 NOT NULL,
	PRIMARY KEY (view, partition)
) WITH (fillfactor = 50);

-- In queries, upper and lower know all letters, while texts are compared and
-- ordered by their bytes.
CREATE FUNCTION lower(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN pg_catalog.lower(t COLLATE {letters});
CREATE FUNCTION upper(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN pg_catalog.upper(t COLLATE {letters});

-- _talix_fold leaves of a text its words, without case and accents.
CREATE FUNCTION _talix_fold(t text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN pg_catalog.btrim(pg_catalog.regexp_replace(
		pg_catalog.regexp_replace(pg_catalog.normalize(pg_catalog.lower(t COLLATE {letters}), 'NFD'), U&'[\0300-\036F]+', '', 'g'),
		'[^[:alnum:]]+' COLLATE {letters}, ' ', 'g'));

-- PostgreSQL's own limit for the words of a row is 1 MB.
CREATE FUNCTION _talix_words(VARIADIC texts text[]) RETURNS tsvector LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN pg_catalog.to_tsvector('pg_catalog.simple'::pg_catalog.regconfig,
		pg_catalog."left"(_talix_fold(pg_catalog.array_to_string(texts, ' ')), 250000));

-- _talix_terms makes a query of words; an asterisk at their end makes the last
-- one a prefix.
CREATE FUNCTION _talix_terms(t text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN _talix_fold(t) = '' THEN ''::pg_catalog.tsquery
		ELSE pg_catalog.to_tsquery('pg_catalog.simple'::pg_catalog.regconfig,
			pg_catalog.replace(_talix_fold(t), ' ', ' & ') || CASE WHEN pg_catalog."right"(t, 1) = '*' THEN ':*' ELSE '' END) END;
