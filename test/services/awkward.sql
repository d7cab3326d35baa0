-- A database with every awkward thing that a backup must bring back unchanged.
-- Load it as a superuser into an empty UTF8 database of PostgreSQL 15 or newer with contrib:
--   psql -v ON_ERROR_STOP=1 -f awkward.sql "$URL"
-- Everything in it is fixed (no random(), no now()), so that two loads give equal dumps.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET TimeZone = 'UTC';

-- Roles are the server's: tests that load this file at the same time meet each other here.
DO $$
DECLARE
  role text;
BEGIN
  FOREACH role IN ARRAY ARRAY['awkward_owner', 'awkward "Reader"', 'ünwieldy'] LOOP
    BEGIN
      EXECUTE format('CREATE ROLE %I', role);
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END;
  END LOOP;
END $$;

-- What no section of pg_dump holds.
DO $$
BEGIN
  EXECUTE format('COMMENT ON DATABASE %I IS %L', current_database(), E'awkward; it''s\nall here');
  EXECUTE format('ALTER DATABASE %I SET work_mem = ''5MB''', current_database());
  EXECUTE format('ALTER DATABASE %I CONNECTION LIMIT 50', current_database());
  EXECUTE format('ALTER ROLE %I IN DATABASE %I SET statement_timeout = ''1h''', 'awkward_owner', current_database());
  EXECUTE format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', current_database(), 'awkward "Reader"');
END $$;

------------------------------------------------------------------------------------------------------------
-- Schemas, extensions

CREATE SCHEMA app AUTHORIZATION awkward_owner;
CREATE SCHEMA "Weird ""Schema"" with space";
CREATE SCHEMA "таблицы";
CREATE SCHEMA ext;
CREATE SCHEMA empty_schema;
COMMENT ON SCHEMA app IS 'the application''s';
COMMENT ON SCHEMA public IS 'a changed comment';

CREATE EXTENSION hstore SCHEMA ext;
CREATE EXTENSION citext SCHEMA public;
CREATE EXTENSION pg_trgm SCHEMA ext;
CREATE EXTENSION pgcrypto SCHEMA ext;
CREATE EXTENSION btree_gist SCHEMA ext;
CREATE EXTENSION ltree SCHEMA ext;
CREATE EXTENSION "uuid-ossp" SCHEMA ext;
CREATE EXTENSION cube;
CREATE EXTENSION intarray SCHEMA ext;
CREATE EXTENSION file_fdw;
CREATE EXTENSION postgres_fdw;
COMMENT ON EXTENSION hstore IS 'a comment of our own';

------------------------------------------------------------------------------------------------------------
-- Types

CREATE TYPE app.mood AS ENUM ('sad', 'ok', 'happy', 'it''s "complicated"', 'back\slash', 'zwei Wörter');
ALTER TYPE app.mood ADD VALUE 'so so' BEFORE 'ok';
CREATE TYPE app.no_values AS ENUM ();
CREATE TYPE app.address AS (street text, "house No" integer, tags text[]);
CREATE TYPE app.person AS (name text, home app.address, moods app.mood[]);
CREATE TYPE app.nothing AS ();
CREATE TYPE app.float_range AS RANGE (subtype = float8, subtype_diff = float8mi, multirange_type_name = app.float_ranges);
CREATE DOMAIN app.positive AS integer DEFAULT 1 CONSTRAINT "is > 0" CHECK (VALUE > 0);
CREATE DOMAIN app.email AS citext NOT NULL CHECK (VALUE ~ '^[^@\s]+@[^@\s]+$');
CREATE DOMAIN app.small_positive AS app.positive CHECK (VALUE < 100);
CREATE DOMAIN app.labels AS text[] CHECK (array_length(VALUE, 1) < 10);
ALTER DOMAIN app.positive ADD CONSTRAINT "even, later" CHECK (VALUE % 2 = 0) NOT VALID;
ALTER DOMAIN app.positive DROP CONSTRAINT "even, later";
COMMENT ON TYPE app.mood IS E'an enum;\nwith a comment\n\\.\n';
COMMENT ON DOMAIN app.positive IS 'above zero';
COMMENT ON COLUMN app.address."house No" IS 'of the house';
ALTER TYPE app.mood OWNER TO awkward_owner;

CREATE COLLATION app."German phone book" (provider = icu, locale = 'de-u-co-phonebk');
CREATE COLLATION app.case_blind (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
COMMENT ON COLLATION app.case_blind IS 'does not mind case';

------------------------------------------------------------------------------------------------------------
-- Every built-in type with its edges

CREATE TABLE app.numbers (
  id integer PRIMARY KEY,
  s smallint, i integer, b bigint, n numeric, n2 numeric(12, 2), n3 numeric(3, -2), r real, d double precision, m money,
  o oid, x xid, x8 xid8
);
INSERT INTO app.numbers VALUES
  (1, -32768, -2147483648, -9223372036854775808, 'NaN', -9999999999.99, 12300, '-Infinity', '-Infinity', '-92233720368547758.08', 0, '3', '3'),
  (2, 32767, 2147483647, 9223372036854775807, 'Infinity', 9999999999.99, -12300, 'Infinity', 'Infinity', '92233720368547758.07', 4294967295, '4294967295', '18446744073709551615'),
  (3, 0, 0, 0, '-Infinity', 0.00, 0, 'NaN', 'NaN', '0', 1, '0', '0'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (5, 1, 1, 1, 0.000000000000000000000000000000000000000000000000000000000000000000001, 0.01, 100, '1e-45', '5e-324', '0.01', 1, '1', '1'),
  (6, -1, -1, -1, repeat('9', 2000)::numeric + 0.5, 1, 100, '3.4028235e38', '1.7976931348623157e308', '1', 1, '1', '1'),
  (7, 7, 7, 7, 1.10, 1.10, 100, '0.1', '0.1', '1.10', 7, '7', '7'),
  (8, 7, 7, 7, 1.100, 1.1, 100, '-0', '-0', '1.1', 7, '7', '7'),
  (9, 7, 7, 7, 1e-10, 1.1, 100, '16777217', '0.30000000000000004', '1.1', 7, '7', '7');

CREATE TABLE app.texts (id integer PRIMARY KEY, t text, v varchar(20), c char(10), one "char", n name, ci citext);
INSERT INTO app.texts VALUES
  (1, NULL, NULL, NULL, NULL, NULL, NULL),
  (2, '', '', '', '', '', ''),
  (3, '\N', '\N', '\N', '\', '\N', '\N'),
  (4, '\.', '\.', '\.', '.', '\.', '\.'),
  (5, E'\t', E'\n', E'a\tb', E'\t', E'tab\tname', E'\r\n'),
  (6, E'line 1\nline 2\r\nline 3\rline 4\n', E'\\', '\\', E'\n', '\', '\\'),
  (7, E'\x01\x02\x03\x04\x05\x06\x07\b\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f\x7f', 'x', 'x', 'x', 'x', 'x'),
  (8, E'COPY app.texts (id, t) FROM stdin;\n9\tx\n\\.\n', E'\n\\.\n', E'\\.\n', 'x', 'x', 'x'),
  (9, 'Grüße, 世界, 🦀, a' || U&'\0301' || ', ' || U&'\FEFF' || U&'\200B' || U&'\+10FFFF', 'ß', 'é', 'x', 'ñ', 'ÄÖÜ'),
  (10, '''"$$;--/*', ''';', '"', '''', '"', '/*'),
  (11, E'ends with backslash\\', E'\\n', E'\\t', 'n', E'\\N', E'\\\\'),
  (12, 'NULL', 'null', 'NULL', 'N', 'null', 'Null'),
  (13, ' blanks ', '  ', ' x ', ' ', ' ', ' '),
  (14, repeat('long ', 200000) || E'\n' || repeat('\.', 1000), 'x', 'x', 'x', repeat('n', 63), 'x'),
  (15, E'\\restrict abc\n\\! touch /tmp/pwned\n', E'\\! id', 'x', '\', '\!', '\q');

CREATE TABLE app.times (id integer PRIMARY KEY, d date, t time, tz timetz, ts timestamp, tsz timestamptz, i interval, t0 time(0), ts3 timestamp(3));
INSERT INTO app.times VALUES
  (1, 'infinity', '00:00:00', '00:00:00+14', 'infinity', 'infinity', '0', '12:00:00', '2000-01-01 00:00:00.123'),
  (2, '-infinity', '24:00:00', '24:00:00-12', '-infinity', '-infinity', '-178000000 years', '23:59:59.9', '2000-01-01 00:00:00.9996'),
  (3, '4713-11-24 BC', '23:59:59.999999', '12:34:56.789+05:30', '4713-11-24 00:00:00 BC', '4713-11-24 00:00:00+00 BC', '1 year -2 months 3 days -04:05:06.789', '00:00', '1970-01-01'),
  (4, '5874897-12-31', '00:00:00.000001', '00:00:00.000001-15:59:59', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00', '178000000 years 11 mons 31 days 23:59:59.999999', '00:00', '9999-12-31'),
  (5, '2024-02-29', '02:30', '02:30+01', '2026-03-29 02:30:00', '2026-03-29 01:30:00+00', '-1 day +25:00:00', '00:00', '0001-01-01 00:00:00 BC'),
  (6, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.bits (id integer PRIMARY KEY, b boolean, b1 bit(3), b2 bit varying, b3 bit varying(64), y bytea);
INSERT INTO app.bits VALUES
  (1, true, B'101', B'', B'0', ''),
  (2, false, B'000', B'1', repeat('10', 32)::bit varying, '\x00'),
  (3, NULL, NULL, NULL, NULL, NULL),
  (4, true, B'111', repeat('1', 500)::bit varying, B'1', '\x5c2e0a5c4e090d00ff'),
  (5, true, B'111', B'1', B'1', (SELECT string_agg(decode(lpad(to_hex(g), 2, '0'), 'hex'), '' ORDER BY g) FROM generate_series(0, 255) g)),
  (6, true, B'111', B'1', B'1', convert_to(repeat('x', 300000), 'UTF8'));

CREATE TABLE app.networks (id integer PRIMARY KEY, i inet, c cidr, m macaddr, m8 macaddr8, u uuid, l pg_lsn, ps pg_snapshot, ts txid_snapshot);
INSERT INTO app.networks VALUES
  (1, '127.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '00000000-0000-0000-0000-000000000000', '0/0', '10:20:10,14,15', '10:20:10,14,15'),
  (2, '::ffff:1.2.3.4/128', '::/0', 'ff:ff:ff:ff:ff:ff', 'ff:ff:ff:ff:ff:ff:ff:ff', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'FFFFFFFF/FFFFFFFF', '1:1:', '1:1:'),
  (3, '192.168.1.5/24', '2001:db8::/32', '00:00:00:00:00:00', '00:00:00:00:00:00:00:00', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '16/B374D848', '1:1:', '1:1:'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.shapes (id integer PRIMARY KEY, p point, l line, ls lseg, b box, pa path, pb path, po polygon, c circle);
INSERT INTO app.shapes VALUES
  (1, '(0,0)', '{1,2,3}', '[(0,0),(1,1)]', '(1,1),(0,0)', '[(0,0),(1,1)]', '((0,0),(1,1),(1,0))', '((0,0),(1,1),(1,0))', '<(0,0),1>'),
  (2, '(Infinity,-Infinity)', '{0,-1,0.1}', '[(NaN,0),(1e-300,1)]', '(1e308,1),(-1e308,0)', '[(0.1,0.2)]', '((0.30000000000000004,0))', '((0,0))', '<(0.1,0.2),0>'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.documents (id integer PRIMARY KEY, j json, jb jsonb, jp jsonpath, x xml, tv tsvector, tq tsquery, h ext.hstore, lt ext.ltree);
INSERT INTO app.documents VALUES
  (1, '{"a": 1, "a": 2 , "b":[ ]}', '{"a": 1, "a": 2, "b": []}', '$.a[*] ? (@ > 1)', '<a>b</a>', 'a:1A b:2,3 ''it''''s''', 'a & !b | (c <-> d:*AB)', '"a"=>"1", "b"=>NULL, "c d"=>"\"x\\"', 'a.b.c'),
  (2, E'{"esc": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83e\\udd80"}', E'{"esc": "\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\ud83e\\udd80"}', '$', E'<?xml version="1.0"?><a>\t&amp;\n<![CDATA[ \\. ]]></a>', '', '', '', ''),
  (3, 'null', 'null', 'strict $."a b"', NULL, E'''back\\\\slash'' ''new\nline'':16383', E'''back\\\\slash''', NULL, NULL),
  (4, '"\\N"', '"\\N"', 'lax $', NULL, NULL, NULL, NULL, NULL),
  (5, '1e400', '12345678901234567890123456789.123456789', NULL, NULL, NULL, NULL, NULL, NULL),
  (6, '[1, 2.0, -0, true, [[[]]], {"": {"": ""}}]', '[1, 2.0, -0, true, [[[]]], {"": {"": ""}}]', NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.spans (
  id integer PRIMARY KEY,
  i4 int4range, i8 int8range, n numrange, d daterange, ts tsrange, tsz tstzrange, f app.float_range,
  mi int4multirange, md datemultirange, mn nummultirange, mf app.float_ranges
);
INSERT INTO app.spans VALUES
  (1, 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', 'empty', '{}', '{}', '{}', '{}'),
  (2, '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '(,)', '{(,)}', '{(,)}', '{(,)}', '{(,)}'),
  (3, '[1,10)', '(1,10]', '[1.10,2.2]', '[2024-02-29,infinity)', '["2024-01-01 00:00:00","2024-01-02 00:00:00"]', '[-infinity,"2024-01-02 00:00:00+00")', '[0.1,0.30000000000000004]', '{[1,2),[5,9)}', '{[2024-01-01,2024-02-01),[2025-01-01,)}', '{[1.1,2.2),(3.3,4.4]}', '{[0.1,0.2)}'),
  (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.lists (
  id integer PRIMARY KEY, i integer[], t text[], b bytea[], j jsonb[], m app.mood[], p app.person[], d app.labels, r int4range[], bx box[], ts timestamptz[]
);
INSERT INTO app.lists VALUES
  (1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}'),
  (2, '{1,NULL,3}', ARRAY['a,b', 'q"z', 'back\slash', NULL, 'NULL', '', ' ', E'tab\t', E'new\nline', '{}', '\N', '\.'], '{"\\x00","\\x5c"}', ARRAY['{"a": "x\"y\\z"}', NULL]::jsonb[], '{sad,"it''s \"complicated\"",back\\slash}', ARRAY[ROW('N,"x"', ROW('s\t', NULL, '{a,NULL,"b c"}'), '{ok}')::app.person, NULL], '{a,b}', '{"[1,2)",empty,NULL}', '{(1,1),(0,0);(2,2),(1,1)}', '{infinity,"2024-01-01 00:00:00+00"}'),
  (3, '{{{1,2},{3,4}},{{5,6},{7,8}}}', '{{a,b},{NULL,"c"}}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
  (4, '[0:1][-1:0]={{1,2},{3,4}}', '[5:6]={x,y}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE app.own_types (id app.positive PRIMARY KEY, mail app.email, small app.small_positive, mood app.mood DEFAULT 'ok', home app.address, who app.person, nix app.nothing, labels app.labels, reg regclass, proc regprocedure, typ regtype, coll text COLLATE app."German phone book", blind text COLLATE app.case_blind);
INSERT INTO app.own_types VALUES
  (1, 'A@b.c', 99, 'so so', ROW(NULL, NULL, NULL), NULL, NULL, '{"a b"}', 'app.texts', 'lower(text)', 'integer[]', 'Ä', 'aA'),
  (2, 'x@y.z', 1, 'it''s "complicated"', ROW(E'"quoted", \\ and\ttab', 7, '{"{",NULL}'), ROW('p', ROW('s', 1, '{}'), '{happy}'), ROW(), NULL, NULL, NULL, NULL, NULL, NULL),
  (3, 'q@y.z', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

------------------------------------------------------------------------------------------------------------
-- Tables of all kinds

CREATE TABLE app.no_columns ();
INSERT INTO app.no_columns DEFAULT VALUES;
INSERT INTO app.no_columns DEFAULT VALUES;
INSERT INTO app.no_columns DEFAULT VALUES;

CREATE TABLE app.no_rows (id integer);

CREATE TABLE app.typed OF app.address (street WITH OPTIONS PRIMARY KEY);
INSERT INTO app.typed VALUES ('Main', 1, '{a}');

CREATE UNLOGGED TABLE app.unlogged (id serial PRIMARY KEY, t text);
INSERT INTO app.unlogged (t) VALUES ('kept'), ('too');

-- Dropped columns, columns in another order, generated ones between others.
CREATE TABLE app.generated (
  gone text,
  "always" integer GENERATED ALWAYS AS IDENTITY (START WITH 100 INCREMENT BY 7 MINVALUE -10 MAXVALUE 1000 CACHE 3 CYCLE),
  net numeric(10, 2) NOT NULL,
  gross numeric(10, 2) GENERATED ALWAYS AS (net * 1.19) STORED,
  "by default" bigint GENERATED BY DEFAULT AS IDENTITY,
  words tsvector GENERATED ALWAYS AS (to_tsvector('english'::regconfig, coalesce(note, ''))) STORED,
  note text DEFAULT E'it''s;\nCOPY app.generated (net) FROM stdin;\n\\.\n'
);
ALTER TABLE app.generated DROP COLUMN gone;
ALTER TABLE app.generated ADD PRIMARY KEY ("always");
INSERT INTO app.generated (net, note) VALUES (1, 'one word'), (2.5, NULL);
INSERT INTO app.generated (net) VALUES (-3);
INSERT INTO app.generated OVERRIDING SYSTEM VALUE VALUES (5, 9, DEFAULT, 77, DEFAULT, 'given');

-- Sequences at odd positions.
CREATE SEQUENCE app.unused;
CREATE SEQUENCE app.down INCREMENT -3 START 10 MINVALUE -5 MAXVALUE 10 CYCLE;
CREATE SEQUENCE app.tiny AS smallint MAXVALUE 7;
CREATE SEQUENCE app."Seq ""quoted"" 'x'" AS bigint START 9223372036854775806;
SELECT setval('app.unused', 55, false), nextval('app.down'), nextval('app.down'), setval('app.tiny', 7), nextval('app."Seq ""quoted"" ''x''"'), nextval('app."Seq ""quoted"" ''x''"');
CREATE TABLE app.serials (a serial, b bigserial, c smallserial, d integer DEFAULT nextval('app.tiny'), t text);
INSERT INTO app.serials (d, t) VALUES (1, 'x'), (2, 'y');
ALTER SEQUENCE app.serials_b_seq RESTART WITH 1000;
COMMENT ON SEQUENCE app.down IS 'counts down';

-- Names.
CREATE TABLE "Weird ""Schema"" with space"."Tab""le; with -- 'all' /* $$ */" ("Col""umn" integer PRIMARY KEY, "a b" text, "select" text, "ÄÖ" text, "\.""" text, " " text, "$1" text);
INSERT INTO "Weird ""Schema"" with space"."Tab""le; with -- 'all' /* $$ */" VALUES (1, 'x', 'y', 'z', '\.', ' ', '$1');
CREATE TABLE "таблицы"."пользователи" ("имя" text, "年齢" integer, "🦀" boolean);
INSERT INTO "таблицы"."пользователи" VALUES ('Иван', 7, true), (NULL, NULL, NULL);
CREATE TABLE public."FROM stdin;" ("FROM stdin;" text, "(a, b)" text);
INSERT INTO public."FROM stdin;" VALUES ('COPY', 'x');
CREATE TABLE public."select" ("table" integer, "user" text, "end" text, "case" text);
INSERT INTO public."select" VALUES (1, 'u', 'e', 'c');
CREATE TABLE public.abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefghijk (x integer);
CREATE INDEX "in;dex" ON "Weird ""Schema"" with space"."Tab""le; with -- 'all' /* $$ */" ("a b" DESC NULLS LAST, lower("select"));

-- Partitions: range, list, hash, sub-partitions, default, a column order of their own.
CREATE TABLE app.events (id bigint NOT NULL, at date NOT NULL, kind text, payload jsonb) PARTITION BY RANGE (at);
CREATE TABLE app.events_2023 PARTITION OF app.events FOR VALUES FROM (MINVALUE) TO ('2024-01-01');
CREATE TABLE app.events_2024 PARTITION OF app.events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01') PARTITION BY LIST (kind);
CREATE TABLE app.events_2024_a PARTITION OF app.events_2024 FOR VALUES IN ('a', 'it''s');
CREATE TABLE app.events_2024_rest PARTITION OF app.events_2024 DEFAULT PARTITION BY HASH (id);
CREATE TABLE app.events_2024_rest_0 PARTITION OF app.events_2024_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE app.events_2024_rest_1 PARTITION OF app.events_2024_rest FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE app.events_late (payload jsonb, x text, kind text, id bigint NOT NULL, at date NOT NULL);
ALTER TABLE app.events_late DROP COLUMN x;
ALTER TABLE app.events ATTACH PARTITION app.events_late DEFAULT;
INSERT INTO app.events SELECT g, date '2023-12-01' + g * 20, CASE g % 4 WHEN 0 THEN 'a' WHEN 1 THEN 'b' WHEN 2 THEN 'it''s' ELSE 'c' END, jsonb_build_object('g', g, 't', E'tab\t') FROM generate_series(1, 40) g;
ALTER TABLE app.events ADD PRIMARY KEY (id, at, kind);
CREATE INDEX events_kind ON app.events (kind);
CREATE INDEX events_only_2023 ON app.events_2023 (payload);
COMMENT ON TABLE app.events_2024_a IS E'a partition\nCOPY app.events (id) FROM stdin;\n1\n\\.\n';

-- Inheritance.
CREATE TABLE app.parent (id integer, t text DEFAULT 'p', CONSTRAINT positive CHECK (id > 0));
CREATE TABLE app.parent2 (z text, id integer);
CREATE TABLE app.child (extra text, CONSTRAINT own CHECK (extra <> '')) INHERITS (app.parent, app.parent2);
ALTER TABLE app.child ALTER COLUMN t SET DEFAULT 'c';
CREATE TABLE app.grandchild () INHERITS (app.child);
INSERT INTO app.parent VALUES (1, 'one');
INSERT INTO app.child (id, z, extra) VALUES (2, 'z', 'e');
INSERT INTO app.grandchild (id, extra) VALUES (3, 'g');

-- Foreign keys: to itself, in a cycle, deferred, several columns, not valid, onto a partitioned table.
CREATE TABLE app.tree (id integer PRIMARY KEY, parent integer REFERENCES app.tree ON DELETE CASCADE);
INSERT INTO app.tree VALUES (3, 3), (2, 3), (1, 2), (4, NULL);
CREATE TABLE app.a_side (id integer PRIMARY KEY, b integer NOT NULL);
CREATE TABLE app.b_side (id integer PRIMARY KEY, a integer NOT NULL REFERENCES app.a_side ON DELETE SET NULL DEFERRABLE);
ALTER TABLE app.a_side ADD CONSTRAINT "to b" FOREIGN KEY (b) REFERENCES app.b_side DEFERRABLE INITIALLY DEFERRED;
BEGIN;
INSERT INTO app.a_side VALUES (1, 2), (2, 1);
INSERT INTO app.b_side VALUES (1, 2), (2, 1);
COMMIT;
CREATE TABLE app.event_notes (id bigint, at date, kind text, note text, FOREIGN KEY (id, at, kind) REFERENCES app.events MATCH FULL ON UPDATE CASCADE);
INSERT INTO app.event_notes SELECT id, at, kind, 'n' FROM app.events WHERE id < 5;
ALTER TABLE app.event_notes ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES app.tree NOT VALID;

-- Constraints and indexes.
CREATE TABLE app.bookings (
  room integer, during tstzrange, who text, tag text,
  EXCLUDE USING gist (room WITH =, during WITH &&) WHERE (room > 0) DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT "one; per -- who" UNIQUE NULLS NOT DISTINCT (who, tag)
) WITH (fillfactor = 70, autovacuum_enabled = false);
INSERT INTO app.bookings VALUES (1, '[2024-01-01,2024-01-02)', 'x', NULL), (1, '[2024-01-02,2024-01-03)', 'y', NULL), (NULL, NULL, NULL, NULL);
CREATE INDEX ON app.bookings USING gin (who ext.gin_trgm_ops) WHERE tag IS NULL;
CREATE UNIQUE INDEX "covering" ON app.bookings (room, who) INCLUDE (tag) WITH (deduplicate_items = off);
CREATE INDEX ON app.texts USING hash (t);
CREATE INDEX ON app.documents USING gin (jb jsonb_path_ops);
CREATE INDEX ON app.spans USING spgist (i4);
CREATE INDEX ON app.numbers USING brin (id) WITH (pages_per_range = 4);
CREATE INDEX by_coll ON app.texts (t COLLATE "C" text_pattern_ops, (v || '\.')) WHERE id < 14;
CREATE STATISTICS app."dep; stats" (dependencies, ndistinct, mcv) ON room, who FROM app.bookings;
CREATE STATISTICS app.expr_stats ON (room + 1), (lower(who)) FROM app.bookings;
COMMENT ON STATISTICS app.expr_stats IS 'on expressions';
ALTER TABLE app.tree CLUSTER ON tree_pkey;
ALTER TABLE app.a_side REPLICA IDENTITY FULL;
ALTER TABLE app.bookings ALTER COLUMN who SET STATISTICS 500, ALTER COLUMN who SET STORAGE EXTERNAL, ALTER COLUMN tag SET COMPRESSION pglz, ALTER COLUMN room SET (n_distinct = -0.5);
ALTER INDEX app.by_coll ALTER COLUMN 2 SET STATISTICS 50;
COMMENT ON CONSTRAINT "one; per -- who" ON app.bookings IS 'constraint''s comment';
COMMENT ON INDEX app."covering" IS 'an index';
COMMENT ON COLUMN app.texts.t IS E'\\.\n\\N\n';
COMMENT ON TABLE app.texts IS E'before\nCOPY app.texts (id, t) FROM stdin;\n1\tx\n\\.\n\n--\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict abc\n';

CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE app.other_method (id integer) USING heap2;
INSERT INTO app.other_method VALUES (1);

------------------------------------------------------------------------------------------------------------
-- Functions, triggers, rules

CREATE FUNCTION app.looks_like_copy() RETURNS text LANGUAGE plpgsql AS $body$
BEGIN
  -- The next lines stand at the beginning of a line, as in a dump.
  RETURN $$
COPY app.texts (id, t) FROM stdin;
1	fake
\.
--
-- PostgreSQL database dump complete
--
\restrict abc
$$ || $_$ $ $_$ || 'it''s' || E'\\\'';
END $body$;
CREATE FUNCTION app.quoted(text DEFAULT ';''$$') RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 5 AS 'SELECT ''\.'' || $1; SELECT $1';
CREATE FUNCTION app.atomic(a integer, b integer DEFAULT 2) RETURNS integer LANGUAGE sql IMMUTABLE
BEGIN ATOMIC
  SELECT 1;
  SELECT CASE WHEN a > b THEN CASE WHEN a > 10 THEN 10 ELSE a END ELSE (SELECT max(x) FROM (VALUES (1), (2)) v(x)) END;
END;
CREATE FUNCTION app.atomic_return(t text) RETURNS text LANGUAGE sql RETURN t || ';' || '\.';
CREATE PROCEDURE app.atomic_procedure(INOUT n integer) LANGUAGE sql
BEGIN ATOMIC
  INSERT INTO app.no_rows SELECT n WHERE false;
  DELETE FROM app.no_rows WHERE id = CASE n WHEN 1 THEN 2 END;
  SELECT n + 1;
END;
CREATE FUNCTION app."weird; name"("a b" integer, VARIADIC rest text[]) RETURNS TABLE (x integer, "y z" text) LANGUAGE sql ROWS 7 SET search_path = app, pg_temp SET work_mem = '1MB' AS $q$ SELECT "a b", unnest(rest) $q$;
CREATE FUNCTION app.secret() RETURNS text LANGUAGE sql SECURITY DEFINER LEAKPROOF AS $$ SELECT 'a'::text $$;
REVOKE ALL ON FUNCTION app.secret() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app.secret() TO awkward_owner WITH GRANT OPTION;
COMMENT ON FUNCTION app.looks_like_copy() IS E'body;\nCOPY app.texts (id, t) FROM stdin;\n1\tx\n\\.\n';
COMMENT ON PROCEDURE app.atomic_procedure(integer) IS 'has; semicolons';

CREATE FUNCTION app.on_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a trigger fired while data was loaded'; END $$;
CREATE TRIGGER "before; all" BEFORE INSERT OR UPDATE OF t ON app.texts FOR EACH ROW WHEN (NEW.t <> '\.') EXECUTE FUNCTION app.on_change('arg''s', E'\n');
CREATE TRIGGER always_on AFTER INSERT ON app.events REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION app.on_change();
CREATE CONSTRAINT TRIGGER at_commit AFTER DELETE ON app.tree DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.on_change();
CREATE TRIGGER off BEFORE TRUNCATE ON app.texts FOR EACH STATEMENT EXECUTE FUNCTION app.on_change();
ALTER TABLE app.texts DISABLE TRIGGER off;
ALTER TABLE app.texts ENABLE ALWAYS TRIGGER "before; all";
COMMENT ON TRIGGER "before; all" ON app.texts IS 'never';

CREATE FUNCTION app.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER awkward_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'DROP TABLE') EXECUTE FUNCTION app.on_ddl();
COMMENT ON EVENT TRIGGER awkward_ddl IS 'does nothing';

CREATE TABLE app.ruled (id integer);
INSERT INTO app.ruled VALUES (1), (2);
CREATE RULE "no; more" AS ON INSERT TO app.ruled DO INSTEAD NOTHING;
CREATE RULE also AS ON DELETE TO app.ruled WHERE OLD.id > 5 DO ALSO (INSERT INTO app.no_rows VALUES (OLD.id); DELETE FROM app.no_rows WHERE id = 0);
CREATE RULE told AS ON UPDATE TO app.ruled DO ALSO NOTIFY awkward, 'x;y';

------------------------------------------------------------------------------------------------------------
-- Views

CREATE VIEW app.plain AS SELECT id, t, E'\\.\n;' AS "odd; text" FROM app.texts WHERE t <> ';';
CREATE VIEW app.barrier WITH (security_barrier, security_invoker) AS SELECT * FROM app.tree WHERE id > 0 WITH CASCADED CHECK OPTION;
CREATE RECURSIVE VIEW app.up (id, parent) AS SELECT id, parent FROM app.tree WHERE parent IS NULL UNION SELECT t.id, t.parent FROM app.tree t JOIN up u ON t.parent = u.id;
CREATE VIEW app.grouped AS SELECT id, v FROM app.texts GROUP BY id;
CREATE MATERIALIZED VIEW app.summary AS SELECT kind, count(*) AS n FROM app.events GROUP BY kind;
CREATE UNIQUE INDEX ON app.summary (kind);
CREATE MATERIALIZED VIEW app.of_summary AS SELECT sum(n) AS total FROM app.summary;
CREATE MATERIALIZED VIEW app.unfilled AS SELECT 1 AS one WITH NO DATA;
CREATE TRIGGER instead INSTEAD OF INSERT ON app.plain FOR EACH ROW EXECUTE FUNCTION app.on_change();
ALTER VIEW app.barrier ALTER COLUMN id SET DEFAULT 5;
COMMENT ON VIEW app.plain IS 'a view';
COMMENT ON MATERIALIZED VIEW app.summary IS 'made of data';
COMMENT ON COLUMN app.plain."odd; text" IS 'odd';

------------------------------------------------------------------------------------------------------------
-- Operators, aggregates, casts, text search

CREATE FUNCTION app.add_up(app.address, app.address) RETURNS app.address LANGUAGE sql IMMUTABLE AS $$ SELECT $1 $$;
CREATE OPERATOR app.+@+ (LEFTARG = app.address, RIGHTARG = app.address, FUNCTION = app.add_up, COMMUTATOR = OPERATOR(app.+@+));
CREATE FUNCTION app.mood_less(app.mood, app.mood) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT $1::text < $2::text $$;
CREATE OPERATOR app.<-/ (LEFTARG = app.mood, RIGHTARG = app.mood, FUNCTION = app.mood_less);
CREATE OPERATOR FAMILY app.fam USING btree;
CREATE OPERATOR CLASS app.by_abs FOR TYPE integer USING btree FAMILY app.fam AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(integer, integer);
CREATE AGGREGATE app.concat_all(text) (SFUNC = textcat, STYPE = text, INITCOND = ';\.');
CREATE AGGREGATE app.nth(double precision ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE FUNCTION app.to_address(text) RETURNS app.address LANGUAGE sql IMMUTABLE AS $$ SELECT ROW($1, 0, '{}')::app.address $$;
CREATE CAST (text AS app.address) WITH FUNCTION app.to_address(text) AS ASSIGNMENT;
CREATE CONVERSION app.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH DICTIONARY app.dict (TEMPLATE = simple, STOPWORDS = english);
CREATE TEXT SEARCH CONFIGURATION app.conf (COPY = english);
ALTER TEXT SEARCH CONFIGURATION app.conf ALTER MAPPING FOR word WITH app.dict, english_stem;
CREATE FUNCTION app.handler() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE LANGUAGE mylang HANDLER app.handler;
COMMENT ON OPERATOR app.+@+ (app.address, app.address) IS 'adds';
COMMENT ON AGGREGATE app.concat_all(text) IS 'joins';
COMMENT ON CAST (text AS app.address) IS 'casts';
COMMENT ON TEXT SEARCH CONFIGURATION app.conf IS 'searches';
COMMENT ON LANGUAGE mylang IS 'speaks';

------------------------------------------------------------------------------------------------------------
-- Foreign data, publications

CREATE FOREIGN DATA WRAPPER "wrapper; x" OPTIONS (debug 'true', note 'it''s');
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE SERVER "far; away" TYPE 't' VERSION '1' FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere.invalid', dbname 'x');
CREATE USER MAPPING FOR awkward_owner SERVER "far; away" OPTIONS (user 'u', password 'p;''w');
CREATE USER MAPPING FOR PUBLIC SERVER "far; away" OPTIONS (user 'nobody');
CREATE FOREIGN TABLE app.remote (id integer OPTIONS (column_name 'ID; x'), t text DEFAULT 'x' NOT NULL) SERVER "far; away" OPTIONS (table_name 'there');
CREATE FOREIGN TABLE app.from_file (line text) SERVER files OPTIONS (filename '/nonexistent', format 'text');
COMMENT ON SERVER "far; away" IS 'is not there';
COMMENT ON FOREIGN TABLE app.remote IS 'is not here';

SET client_min_messages = error; -- wal_level is not logical, which does not matter here
CREATE PUBLICATION some_tables FOR TABLE app.tree, app.numbers (id, s) WHERE (id > 5) WITH (publish = 'insert, delete');
CREATE PUBLICATION "a schema" FOR TABLES IN SCHEMA "таблицы";
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish_via_partition_root = true);
COMMENT ON PUBLICATION everything IS 'all';

------------------------------------------------------------------------------------------------------------
-- Row security, privileges, owners

CREATE TABLE app.secrets (id integer PRIMARY KEY, owner text, what text);
INSERT INTO app.secrets VALUES (1, 'a', 'x'), (2, 'b', E'y;\n\\.');
ALTER TABLE app.secrets ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO awkward_owner;
CREATE POLICY "own; rows" ON app.secrets AS PERMISSIVE FOR ALL TO awkward_owner, "awkward ""Reader""" USING (owner = current_user) WITH CHECK (what <> ';');
CREATE POLICY never ON app.secrets AS RESTRICTIVE FOR DELETE USING (false);
COMMENT ON POLICY never ON app.secrets IS 'nothing may go';

GRANT USAGE ON SCHEMA app TO "awkward ""Reader""", PUBLIC;
GRANT SELECT ON ALL TABLES IN SCHEMA app TO "awkward ""Reader""";
GRANT SELECT (id, t), UPDATE (t) ON app.texts TO "ünwieldy" WITH GRANT OPTION;
GRANT USAGE ON SEQUENCE app.down TO PUBLIC;
GRANT USAGE ON TYPE app.mood TO "ünwieldy";
REVOKE USAGE ON TYPE app.address FROM PUBLIC;
GRANT USAGE ON FOREIGN SERVER "far; away" TO awkward_owner;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO awkward_owner WITH GRANT OPTION;
REVOKE ALL ON app.tree FROM PUBLIC;
GRANT INSERT, TRIGGER ON app.tree TO PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT CREATE ON SCHEMA public TO awkward_owner;
REVOKE EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION pg_catalog.pg_ls_dir(text) TO awkward_owner;
ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO "awkward ""Reader""";
ALTER DEFAULT PRIVILEGES FOR ROLE awkward_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER TABLE app.tree OWNER TO awkward_owner;
ALTER FUNCTION app.quoted(text) OWNER TO "ünwieldy";
ALTER SEQUENCE app.unused OWNER TO "ünwieldy";
ALTER VIEW app.plain OWNER TO awkward_owner;

------------------------------------------------------------------------------------------------------------
-- Large objects

SELECT lo_from_bytea(4242, '\x00ff5c2e0a0d27'), lo_from_bytea(4243, ''), lo_from_bytea(4244, convert_to(repeat(E'large \\. object''\n', 10000), 'UTF8'));
COMMENT ON LARGE OBJECT 4242 IS E'an object;\n\\.\n';
ALTER LARGE OBJECT 4243 OWNER TO awkward_owner;
GRANT SELECT ON LARGE OBJECT 4244 TO "awkward ""Reader""";
CREATE TABLE app.attachments (id integer PRIMARY KEY, content oid);
INSERT INTO app.attachments VALUES (1, 4242), (2, 4244), (3, NULL);

REFRESH MATERIALIZED VIEW app.summary;
REFRESH MATERIALIZED VIEW app.of_summary;
