CREATE TABLE meta (name text PRIMARY KEY, value text NOT NULL);

-- The number of the last erasure. Who erases holds this row to the end, so that
-- numbers become visible in their order.
CREATE TABLE erasures (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), last bigint NOT NULL);
INSERT INTO erasures (last) VALUES (0);

-- A subject has one row: with its key, or with the erasure that destroyed it.
CREATE TABLE keys (
	name bytea PRIMARY KEY,
	secret bytea,
	erasure bigint UNIQUE,
	erased timestamptz,
	CHECK ((secret IS NULL) <> (erasure IS NULL))
);
