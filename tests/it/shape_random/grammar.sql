-- Changes to a schema, one a line. [[a|b]] is one of the two; [[column]] and its parts [[column.table]]... an object of
-- the schema, the same one in all of a line; [[new]] a name that isn't taken, unless an earlier change took it.

-- Tables
CREATE TABLE [[new]] (id integer, [[word]] [[type]])
CREATE TABLE [[new]] (id bigint [[PRIMARY KEY|NOT NULL|UNIQUE|GENERATED ALWAYS AS IDENTITY]])
CREATE TABLE [[new]] (LIKE [[table]] INCLUDING [[ALL|DEFAULTS|CONSTRAINTS|INDEXES|COMMENTS]])
CREATE UNLOGGED TABLE [[new]] (id integer)
CREATE TABLE [[new]] () INHERITS ([[table]])
CREATE TABLE [[new]] (id integer, at date) PARTITION BY [[RANGE (at)|LIST (id)|HASH (id)|RANGE ((id % 7))]]
DROP TABLE [[table]]
DROP TABLE [[table]] CASCADE
ALTER TABLE [[table]] RENAME TO [[new]]
ALTER TABLE [[table]] SET ([[fillfactor = 70|fillfactor = 80|autovacuum_enabled = false|toast.autovacuum_enabled = false]])
ALTER TABLE [[table]] RESET (fillfactor)
ALTER TABLE [[table]] SET [[LOGGED|UNLOGGED]]
ALTER TABLE [[table]] [[ENABLE|DISABLE|FORCE|NO FORCE]] ROW LEVEL SECURITY
ALTER TABLE [[table]] REPLICA IDENTITY [[FULL|NOTHING|DEFAULT]]
ALTER TABLE [[unique.table]] REPLICA IDENTITY USING INDEX [[unique.name]]
ALTER TABLE [[index.table]] CLUSTER ON [[index.name]]
ALTER TABLE [[table]] SET WITHOUT CLUSTER
CREATE TABLE [[new]] OF [[composite]]
ALTER TABLE [[child.name]] NO INHERIT [[child.parent]]

-- Columns
ALTER TABLE [[table]] ADD COLUMN [[new]] [[type]]
ALTER TABLE [[table]] ADD COLUMN [[new]] [[type]] [[NOT NULL|UNIQUE|DEFAULT NULL|COMPRESSION pglz]]
ALTER TABLE [[table]] ADD COLUMN [[new]] text COLLATE [["C"|"POSIX"|"default"]]
ALTER TABLE [[table]] ADD COLUMN [[new]] integer DEFAULT [[0|1|1 + 1|(random() * 10)::integer|NULL]]
ALTER TABLE [[table]] ADD COLUMN [[new]] timestamptz DEFAULT [[now()|'2024-01-01 00:00+00'|clock_timestamp()]]
ALTER TABLE [[table]] ADD COLUMN [[new]] bigint GENERATED [[ALWAYS|BY DEFAULT]] AS IDENTITY [[|(START 7)|(INCREMENT 3 CACHE 2)]]
ALTER TABLE [[table]] ADD COLUMN [[new]] integer GENERATED ALWAYS AS ([[1 + 1|length('abc')|3]]) STORED
ALTER TABLE [[table]] ADD COLUMN [[new]] serial
ALTER TABLE [[table]] ADD COLUMN [[new]] [[enum]]
ALTER TABLE [[table]] ADD COLUMN [[new]] [[domain]][[| ARRAY]]
ALTER TABLE [[table]] ADD COLUMN [[new]] [[composite]]
ALTER TABLE [[table]] ADD COLUMN [[new]] [[child.parent]]
ALTER TABLE [[column.table]] DROP COLUMN [[column.name]]
ALTER TABLE [[column.table]] DROP COLUMN [[column.name]] CASCADE
ALTER TABLE [[column.table]] RENAME COLUMN [[column.name]] TO [[new]]
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] [[SET NOT NULL|DROP NOT NULL]]
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] DROP DEFAULT
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] SET DEFAULT NULL
ALTER TABLE [[textual.table]] ALTER COLUMN [[textual.name]] SET DEFAULT [['a'|'b'|concat('a', 'b')|upper('a')|current_user]]
ALTER TABLE [[textual.table]] ALTER COLUMN [[textual.name]] TYPE [[text|varchar|varchar(77)|char(40)]]
ALTER TABLE [[textual.table]] ALTER COLUMN [[textual.name]] TYPE text COLLATE [["C"|"POSIX"|"default"]]
ALTER TABLE [[textual.table]] ALTER COLUMN [[textual.name]] SET STORAGE [[PLAIN|MAIN|EXTERNAL|EXTENDED]]
ALTER TABLE [[textual.table]] ALTER COLUMN [[textual.name]] SET COMPRESSION [[pglz|default]]
ALTER TABLE [[number.table]] ALTER COLUMN [[number.name]] TYPE [[bigint|numeric|numeric(30,3)|double precision]]
ALTER TABLE [[number.table]] ALTER COLUMN [[number.name]] SET DEFAULT [[1|2|7 * 6|abs(-3)]]
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] SET STATISTICS [[100|500|-1]]
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] SET (n_distinct = [[5|-0.5]])
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] RESET (n_distinct)
ALTER TABLE [[generated.table]] ALTER COLUMN [[generated.name]] DROP EXPRESSION
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] DROP IDENTITY IF EXISTS
ALTER TABLE [[identity.table]] ALTER COLUMN [[identity.name]] SET GENERATED [[ALWAYS|BY DEFAULT]]
ALTER TABLE [[identity.table]] ALTER COLUMN [[identity.name]] SET [[INCREMENT 5|MAXVALUE 99999|CACHE 7|CYCLE]]
ALTER TABLE [[identity.table]] ALTER COLUMN [[identity.name]] DROP IDENTITY
ALTER TABLE merchant_categories ALTER COLUMN id DROP DEFAULT; ALTER TABLE merchant_categories ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY

-- Constraints
ALTER TABLE [[number.table]] ADD CONSTRAINT [[new]] CHECK ([[number.name]] [[>|>=|<>]] [[0|1|-1000]]) [[|NOT VALID|NO INHERIT]]
ALTER TABLE [[textual.table]] ADD CONSTRAINT [[new]] CHECK ([[textual.name]] [[IN|NOT IN]] ('[[word]]', 'b')) NOT VALID
ALTER TABLE [[textual.table]] ADD CHECK (length([[textual.name]]::text) < [[100|200]])
ALTER TABLE [[column.table]] ADD CONSTRAINT [[new]] UNIQUE ([[column.name]]) [[|DEFERRABLE|DEFERRABLE INITIALLY DEFERRED]]
ALTER TABLE [[column.table]] ADD CONSTRAINT [[new]] UNIQUE NULLS NOT DISTINCT ([[column.name]])
CREATE TABLE [[new]] (a integer, b integer); ALTER TABLE [[new]] ADD PRIMARY KEY ([[a|b|a, b|b, a]])
ALTER TABLE [[number.table]] ADD CONSTRAINT [[new]] FOREIGN KEY ([[number.name]]) REFERENCES [[unique.table]] [[|ON DELETE CASCADE|ON UPDATE SET NULL|DEFERRABLE INITIALLY DEFERRED|NOT VALID|MATCH FULL]]
ALTER TABLE [[constraint.table]] DROP CONSTRAINT [[constraint.name]]
ALTER TABLE [[constraint.table]] DROP CONSTRAINT [[constraint.name]] CASCADE
ALTER TABLE [[constraint.table]] RENAME CONSTRAINT [[constraint.name]] TO [[new]]
ALTER TABLE [[constraint.table]] VALIDATE CONSTRAINT [[constraint.name]]
ALTER TABLE [[foreign.table]] ALTER CONSTRAINT [[foreign.name]] [[DEFERRABLE|NOT DEFERRABLE|DEFERRABLE INITIALLY DEFERRED]]
ALTER TABLE [[number.table]] ADD CONSTRAINT [[new]] EXCLUDE USING gist (int8range([[number.name]]::bigint, NULL) WITH [[&&|=]]) WHERE ([[number.name]] [[> 0|IS NOT NULL]])

-- Indexes
CREATE [[|UNIQUE]] INDEX [[new]] ON [[column.table]] ([[column.name]])
CREATE INDEX [[new]] ON [[column.table]] ([[column.name]] [[DESC|DESC NULLS LAST|ASC NULLS FIRST]])
CREATE INDEX [[new]] ON [[column.table]] USING [[hash|brin|gin|gist|btree]] ([[column.name]])
CREATE INDEX [[new]] ON [[column.table]] ([[column.name]]) WHERE [[column.name]] IS [[NULL|NOT NULL]]
CREATE INDEX [[new]] ON [[textual.table]] (lower([[textual.name]]::text)[[| COLLATE "C"| text_pattern_ops]])
CREATE INDEX [[new]] ON [[textual.table]] ([[textual.name]]) WHERE [[textual.name]] [[IN|NOT IN]] ('a', '[[word]]')
CREATE INDEX [[new]] ON [[column.table]] ([[column.name]]) INCLUDE ([[number.name]])
CREATE INDEX [[new]] ON [[column.table]] ([[column.name]]) WITH (fillfactor = [[50|60]])
CREATE UNIQUE INDEX [[new]] ON [[column.table]] ([[column.name]]) NULLS NOT DISTINCT
CREATE INDEX [[new]] ON ONLY [[table]] ((1))
DROP INDEX [[index.name]]
ALTER INDEX [[index.name]] RENAME TO [[new]]
ALTER INDEX [[index.name]] SET (fillfactor = [[50|60]])
ALTER INDEX customers_norm_idx ALTER COLUMN 1 SET STATISTICS [[100|300]]

-- Sequences
CREATE SEQUENCE [[new]] [[|AS smallint|AS integer|INCREMENT -1|START 5|CACHE 3|CYCLE|MINVALUE 0 START 1]]
CREATE SEQUENCE [[new]] OWNED BY [[column.table]].[[column.name]]
ALTER SEQUENCE [[sequence]] [[INCREMENT 2|CACHE 9|CYCLE|NO CYCLE|MAXVALUE 100000|MINVALUE -5|START 9|AS bigint]]
ALTER SEQUENCE [[sequence]] OWNED BY [[NONE|[[column.table]].[[column.name]]]]
ALTER SEQUENCE [[sequence]] RENAME TO [[new]]
DROP SEQUENCE [[sequence]] [[|CASCADE]]
SELECT setval('[[sequence]]', 4242)

-- Views
CREATE VIEW [[new]] AS SELECT [[column.name]] FROM [[column.table]] [[|WHERE [[column.name]] IS NOT NULL|LIMIT 3|ORDER BY 1]]
CREATE VIEW [[new]] AS SELECT * FROM [[table]]
CREATE VIEW [[new]] AS SELECT count(*) FILTER (WHERE [[textual.name]] IN ('a', '[[word]]')) AS n FROM [[textual.table]]
CREATE RECURSIVE VIEW [[new]] (n) AS VALUES (1) UNION ALL SELECT n + 1 FROM [[new]] WHERE n < [[5|6]]
CREATE MATERIALIZED VIEW [[new]] AS SELECT [[column.name]] FROM [[column.table]] [[|WITH NO DATA]]
DROP VIEW [[view]]
DROP VIEW [[view]] CASCADE
DROP MATERIALIZED VIEW [[matview]] CASCADE
ALTER VIEW [[view]] RENAME TO [[new]]
ALTER VIEW [[view]] [[SET (security_barrier)|SET (security_invoker)|SET (check_option = local)|RESET (security_barrier)]]
ALTER VIEW [[viewcolumn.view]] ALTER COLUMN [[viewcolumn.name]] SET DEFAULT NULL
ALTER VIEW [[viewcolumn.view]] RENAME COLUMN [[viewcolumn.name]] TO [[new]]
ALTER MATERIALIZED VIEW [[matview]] RENAME TO [[new]]
ALTER MATERIALIZED VIEW [[matview]] SET (fillfactor = 50)
REFRESH MATERIALIZED VIEW [[matview]]

-- Functions
CREATE FUNCTION [[new]]([[|a integer|a integer, b text DEFAULT 'x'|VARIADIC a text[]|OUT a integer]]) RETURNS integer LANGUAGE sql AS $$ SELECT [[1|2]] $$
CREATE FUNCTION [[new]]() RETURNS SETOF [[table]] LANGUAGE sql BEGIN ATOMIC SELECT * FROM [[table]]; END
CREATE FUNCTION [[new]](a varchar) RETURNS boolean LANGUAGE sql [[IMMUTABLE|STABLE|STRICT|LEAKPROOF]] RETURN a IN ('a', '[[word]]')
CREATE FUNCTION norm(v [[integer|varchar|name]]) RETURNS text LANGUAGE sql AS $$ SELECT v::text $$
CREATE PROCEDURE [[new]](INOUT a integer) LANGUAGE plpgsql AS $$ BEGIN a := [[1|2]]; END $$
CREATE FUNCTION [[new]]() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN [[NEW|OLD|NULL]]; END $$
CREATE FUNCTION [[new]]() RETURNS integer LANGUAGE sql AS $$ SELECT 1 -- [[word]] $$
CREATE AGGREGATE [[new]](integer) (SFUNC = int4pl, STYPE = integer[[|, INITCOND = '0'|, INITCOND = '1'|, PARALLEL = SAFE]])
ALTER ROUTINE [[routine]] [[IMMUTABLE|STABLE|VOLATILE|STRICT|CALLED ON NULL INPUT|SECURITY DEFINER|SECURITY INVOKER]]
ALTER ROUTINE [[routine]] [[PARALLEL SAFE|PARALLEL RESTRICTED|PARALLEL UNSAFE|COST 33|ROWS 17]]
ALTER ROUTINE [[routine]] SET [[work_mem = '8MB'|search_path = pg_catalog|search_path = {{ident:schema}}, pg_catalog|timezone = 'UTC']]
ALTER ROUTINE [[routine]] RESET ALL
ALTER ROUTINE [[routine]] RENAME TO [[new]]
DROP ROUTINE [[routine]]
DROP ROUTINE [[routine]] CASCADE

-- Triggers, rules, policies
CREATE TRIGGER [[new]] [[BEFORE|AFTER]] [[INSERT|DELETE|UPDATE|INSERT OR UPDATE]] ON [[table]] FOR EACH [[ROW|STATEMENT]] EXECUTE FUNCTION [[triggerfunction]]([[|'a'|'a', 'b']])
CREATE TRIGGER [[new]] BEFORE UPDATE OF [[column.name]] ON [[column.table]] FOR EACH ROW WHEN (NEW.[[column.name]] IS NOT NULL) EXECUTE FUNCTION [[triggerfunction]]()
CREATE TRIGGER [[new]] AFTER UPDATE ON [[table]] REFERENCING [[OLD TABLE AS a|NEW TABLE AS b]] FOR EACH STATEMENT EXECUTE FUNCTION [[triggerfunction]]()
CREATE CONSTRAINT TRIGGER [[new]] AFTER INSERT ON [[table]] [[|DEFERRABLE|DEFERRABLE INITIALLY DEFERRED]] FOR EACH ROW EXECUTE FUNCTION [[triggerfunction]]()
DROP TRIGGER [[trigger.name]] ON [[trigger.table]]
ALTER TRIGGER [[trigger.name]] ON [[trigger.table]] RENAME TO [[new]]
ALTER TABLE [[trigger.table]] [[DISABLE|ENABLE|ENABLE ALWAYS|ENABLE REPLICA]] TRIGGER [[trigger.name]]
CREATE RULE [[new]] AS ON [[DELETE|UPDATE|INSERT]] TO [[table]] DO [[INSTEAD NOTHING|ALSO NOTIFY changed|ALSO SELECT 1]]
DROP RULE [[rule.name]] ON [[rule.table]]
ALTER TABLE [[rule.table]] [[DISABLE|ENABLE ALWAYS]] RULE [[rule.name]]
CREATE POLICY [[new]] ON [[table]] [[|AS RESTRICTIVE]] FOR [[ALL|SELECT|DELETE]] TO [[public|app_owner|tenantry_deploy, app_owner]] USING ([[true|current_user = 'a']])
ALTER POLICY [[policy.name]] ON [[policy.table]] TO [[public|app_owner|current_user]]
ALTER POLICY [[policy.name]] ON [[policy.table]] RENAME TO [[new]]
DROP POLICY [[policy.name]] ON [[policy.table]]

-- Types
CREATE TYPE [[new]] AS ENUM ('a', '[[word]]')
CREATE TYPE [[new]] AS (a integer, b [[type]])
CREATE TYPE [[new]] AS RANGE (subtype = [[integer|text|date]])
CREATE DOMAIN [[new]] AS [[type]] [[|NOT NULL|DEFAULT NULL]]
CREATE DOMAIN [[new]] AS varchar(10) CHECK (VALUE [[IN|NOT IN]] ('a', '[[word]]'))
CREATE COLLATION [[new]] (provider = libc, locale = [['C'|'POSIX']])
ALTER TYPE [[label.enum]] ADD VALUE '[[word]]' [[BEFORE|AFTER]] '[[label.name]]'
ALTER TYPE [[label.enum]] ADD VALUE '[[word]]'
ALTER TYPE [[label.enum]] RENAME VALUE '[[label.name]]' TO '[[word]]'
ALTER TYPE [[enum]] RENAME TO [[new]]
DROP TYPE [[enum]] [[|CASCADE]]
ALTER TYPE [[attribute.type]] ADD ATTRIBUTE [[new]] [[type]]
ALTER TYPE [[attribute.type]] DROP ATTRIBUTE [[attribute.name]]
ALTER TYPE [[attribute.type]] RENAME ATTRIBUTE [[attribute.name]] TO [[new]]
ALTER TYPE [[attribute.type]] ALTER ATTRIBUTE [[attribute.name]] TYPE [[text|varchar(9)]]
DROP TYPE [[composite]] [[|CASCADE]]
ALTER DOMAIN [[domain]] [[SET NOT NULL|DROP NOT NULL|SET DEFAULT NULL|DROP DEFAULT]]
ALTER DOMAIN [[domain]] ADD CONSTRAINT [[new]] CHECK (VALUE IS [[NOT NULL|DISTINCT FROM NULL]]) [[|NOT VALID]]
ALTER DOMAIN [[domainconstraint.domain]] DROP CONSTRAINT [[domainconstraint.name]]
ALTER DOMAIN [[domainconstraint.domain]] RENAME CONSTRAINT [[domainconstraint.name]] TO [[new]]
ALTER DOMAIN [[domain]] RENAME TO [[new]]
DROP DOMAIN [[domain]] [[|CASCADE]]

-- Partitions, inheritance, statistics
CREATE TABLE [[new]] PARTITION OF [[partitioned]] FOR VALUES FROM ('20[[30|31]]-01-01') TO ('2032-01-01')
ALTER TABLE [[partition.parent]] DETACH PARTITION [[partition.name]]
ALTER TABLE [[partition.parent]] DETACH PARTITION [[partition.name]]; ALTER TABLE [[partition.parent]] ATTACH PARTITION [[partition.name]] DEFAULT
CREATE STATISTICS [[new]] [[|(ndistinct)|(mcv)|(dependencies)]] ON [[number.name]], ([[number.name]] + 1) FROM [[number.table]]
DROP STATISTICS [[statistics]]
ALTER STATISTICS [[statistics]] SET STATISTICS [[50|60]]
ALTER STATISTICS [[statistics]] RENAME TO [[new]]

-- The same objects made again, some as they were
ALTER TABLE customers DROP CONSTRAINT customers_kind_check, ADD CONSTRAINT customers_kind_check CHECK (kind IN ('retail', 'trade', '[[staff|stuff]]')); COMMENT ON CONSTRAINT customers_kind_check ON customers IS 'known kinds'
ALTER TABLE customers DROP CONSTRAINT customers_nick_check, ADD CONSTRAINT customers_nick_check CHECK (nick [[IN|NOT IN]] ('root', 'admin'))
ALTER TABLE products DROP CONSTRAINT products_price_check, ADD CONSTRAINT products_price_check CHECK (price >= 0) [[|NOT VALID|NO INHERIT]]
ALTER TABLE products DROP COLUMN price_gross, ADD COLUMN price_gross numeric GENERATED ALWAYS AS (gross(price[[|, 0.2]])) STORED
ALTER TABLE order_lines DROP CONSTRAINT order_lines_order_fkey, ADD CONSTRAINT order_lines_order_fkey FOREIGN KEY (order_id) REFERENCES orders (id) ON DELETE [[CASCADE|SET NULL]] DEFERRABLE INITIALLY DEFERRED
ALTER TABLE bookings DROP CONSTRAINT bookings_free, ADD CONSTRAINT bookings_free EXCLUDE USING gist (during WITH &&) WHERE (room NOT IN ('lobby', '[[yard|hall]]'))
ALTER TABLE readings DETACH PARTITION readings_in; ALTER TABLE readings ATTACH PARTITION readings_in FOR VALUES IN ([[1|0]])
DROP INDEX orders_open_idx; CREATE INDEX orders_open_idx ON orders (customer_id, created_at) WHERE stage IN ('new', '[[paid|shipped]]'); COMMENT ON INDEX orders_open_idx IS 'open orders'
DROP INDEX customers_norm_idx; CREATE INDEX customers_norm_idx ON customers (norm([[name|nick]]))
CREATE OR REPLACE VIEW good_sales AS SELECT code, n FROM sales WHERE n > [[10|11]]
CREATE OR REPLACE VIEW trade_customers WITH (security_barrier) AS SELECT id, code, name, norm(name) AS n, rank FROM customers WHERE kind IN ('trade', '[[staff|stuff]]') WITH [[LOCAL|CASCADED]] CHECK OPTION
CREATE OR REPLACE RULE settings_keep AS ON DELETE TO settings WHERE old.level = '[[high|low]]' AND old.scope IN ('all', 'own') DO INSTEAD NOTHING
CREATE OR REPLACE FUNCTION norm(v text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT [[lower|upper]](btrim(v)) $$
CREATE OR REPLACE FUNCTION gross(net numeric, rate numeric DEFAULT 0.[[19|2]]) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN round(net * (1 + rate), [[2|3]])
CREATE OR REPLACE FUNCTION open_orders(c bigint) RETURNS SETOF orders LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM orders o WHERE o.customer_id = c AND o.stage IN ('new', 'paid') AND o.way IN ('air', '[[sea|rail]]'); END
CREATE OR REPLACE FUNCTION customer_name(c bigint) RETURNS text LANGUAGE sql STABLE SET search_path = [[{{ident:schema}}|public]], pg_temp AS $$ SELECT name FROM {{ident:schema}}.customers WHERE id = c $$
CREATE OR REPLACE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.updated_at := [[now()|clock_timestamp()]]; RETURN NEW; END $$
CREATE OR REPLACE AGGREGATE longest (text) (SFUNC = longer, STYPE = text[[|, INITCOND = 'a']])
CREATE OR REPLACE TRIGGER orders_stamp BEFORE UPDATE OF stage[[, note|]] ON orders FOR EACH ROW WHEN (NEW.stage <> '[[new|paid]]') EXECUTE FUNCTION [[stamp|stamp_late]]()
CREATE OR REPLACE TRIGGER merchants_touch BEFORE UPDATE ON merchants FOR EACH ROW EXECUTE FUNCTION [[touch_updated_at|record_change]]()
ALTER POLICY orders_see ON orders USING (may_see(orders) AND way [[IN|NOT IN]] ('air', 'sea'))
ALTER POLICY orders_new ON orders WITH CHECK (stage = '[[new|paid]]' AND EXISTS (SELECT 1 FROM customers c WHERE c.id = orders.customer_id AND c.kind IN ('retail', 'trade')))
DROP STATISTICS customers_stats; CREATE STATISTICS customers_stats (dependencies[[, ndistinct|]]) ON kind, rank FROM customers
ALTER DOMAIN channel DROP CONSTRAINT channel_known; ALTER DOMAIN channel ADD CONSTRAINT channel_known CHECK (VALUE IN ('web', 'shop', '[[phone|fax]]'))
ALTER DOMAIN channel SET DEFAULT '[[web|shop]]'
ALTER SEQUENCE doc_number START [[1000|1001]] INCREMENT [[10|11]]

-- Operators, casts, text search, conversions
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq[[|, COMMUTATOR = ===|, HASHES]])
CREATE CAST ([[enum]] AS integer) WITH INOUT [[|AS ASSIGNMENT|AS IMPLICIT]]
CREATE TEXT SEARCH CONFIGURATION [[new]] (COPY = [[simple|english]])
CREATE TEXT SEARCH DICTIONARY [[new]] (TEMPLATE = simple[[|, ACCEPT = false]])
CREATE CONVERSION [[new]] FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8

-- What only newer servers have
ALTER TABLE [[number.table]] ADD COLUMN [[new]] bigint GENERATED ALWAYS AS ([[number.name]] + [[1|2]]) VIRTUAL
ALTER TABLE [[column.table]] ADD CONSTRAINT [[new]] NOT NULL [[column.name]] [[|NOT VALID|NO INHERIT]]
ALTER TABLE [[number.table]] ADD CONSTRAINT [[new]] CHECK ([[number.name]] > 0) NOT ENFORCED
ALTER TABLE [[foreign.table]] ALTER CONSTRAINT [[foreign.name]] [[NOT ENFORCED|ENFORCED]]
ALTER TABLE bookings ADD CONSTRAINT [[new]] UNIQUE (room, during WITHOUT OVERLAPS)
ALTER TABLE products ALTER COLUMN price_gross SET EXPRESSION AS (gross(price[[|, 0.2]]))
ALTER TABLE [[notnull.table]] RENAME CONSTRAINT [[notnull.name]] TO [[new]]
ALTER TABLE [[notnull.table]] DROP CONSTRAINT [[notnull.name]]
ALTER TABLE [[notnull.table]] ALTER CONSTRAINT [[notnull.name]] NO INHERIT
COMMENT ON CONSTRAINT [[notnull.name]] ON [[notnull.table]] IS '[[word]]'

-- Comments
COMMENT ON TABLE [[table]] IS [['[[word]]'|NULL|'it''s']]
COMMENT ON COLUMN [[column.table]].[[column.name]] IS [['[[word]]'|NULL]]
COMMENT ON CONSTRAINT [[constraint.name]] ON [[constraint.table]] IS [['[[word]]'|NULL]]
COMMENT ON INDEX [[index.name]] IS [['[[word]]'|NULL]]
COMMENT ON SEQUENCE [[sequence]] IS [['[[word]]'|NULL]]
COMMENT ON VIEW [[view]] IS [['[[word]]'|NULL]]
COMMENT ON COLUMN [[viewcolumn.view]].[[viewcolumn.name]] IS '[[word]]'
COMMENT ON MATERIALIZED VIEW [[matview]] IS [['[[word]]'|NULL]]
COMMENT ON ROUTINE [[routine]] IS [['[[word]]'|NULL]]
COMMENT ON TRIGGER [[trigger.name]] ON [[trigger.table]] IS [['[[word]]'|NULL]]
COMMENT ON RULE [[rule.name]] ON [[rule.table]] IS '[[word]]'
COMMENT ON POLICY [[policy.name]] ON [[policy.table]] IS [['[[word]]'|NULL]]
COMMENT ON TYPE [[enum]] IS [['[[word]]'|NULL]]
COMMENT ON COLUMN [[attribute.type]].[[attribute.name]] IS '[[word]]'
COMMENT ON DOMAIN [[domain]] IS [['[[word]]'|NULL]]
COMMENT ON CONSTRAINT [[domainconstraint.name]] ON DOMAIN [[domainconstraint.domain]] IS [['[[word]]'|NULL]]
COMMENT ON STATISTICS [[statistics]] IS [['[[word]]'|NULL]]
COMMENT ON SCHEMA {{ident:schema}} IS '[[word]]'

-- Grants and owners
GRANT [[SELECT|INSERT|UPDATE|DELETE|ALL|TRIGGER, REFERENCES]] ON [[table]] TO [[role]] [[|WITH GRANT OPTION]]
GRANT [[SELECT|UPDATE|ALL]] ([[column.name]]) ON [[column.table]] TO [[role]]
REVOKE [[SELECT|INSERT|ALL]] ON [[table]] FROM [[app_owner|tenantry_owner]]
GRANT [[USAGE|SELECT|ALL]] ON SEQUENCE [[sequence]] TO [[role]]
GRANT EXECUTE ON ROUTINE [[routine]] TO [[role]]
REVOKE EXECUTE ON ROUTINE [[routine]] FROM PUBLIC
GRANT USAGE ON TYPE [[enum]] TO [[role]]
REVOKE USAGE ON DOMAIN [[domain]] FROM PUBLIC
GRANT SELECT ON [[view]] TO [[role]]
GRANT [[USAGE|CREATE|ALL]] ON SCHEMA {{ident:schema}} TO [[role]]
ALTER DEFAULT PRIVILEGES IN SCHEMA {{ident:schema}} GRANT [[SELECT|ALL]] ON [[TABLES|SEQUENCES]] TO [[role]]
ALTER DEFAULT PRIVILEGES IN SCHEMA {{ident:schema}} GRANT EXECUTE ON FUNCTIONS TO [[role]]
RESET ROLE; ALTER TABLE [[table]] OWNER TO [[owner]]
RESET ROLE; ALTER VIEW [[view]] OWNER TO [[owner]]
RESET ROLE; ALTER ROUTINE [[routine]] OWNER TO [[owner]]
RESET ROLE; ALTER TYPE [[enum]] OWNER TO [[owner]]
RESET ROLE; ALTER DOMAIN [[domain]] OWNER TO [[owner]]
RESET ROLE; ALTER SCHEMA {{ident:schema}} OWNER TO [[owner]]
RESET ROLE; ALTER STATISTICS [[statistics]] OWNER TO [[owner]]

-- Steps that come to nothing
ALTER TABLE [[table]] ADD COLUMN passing [[type]]; ALTER TABLE [[table]] DROP COLUMN passing
CREATE TABLE passing (id serial PRIMARY KEY, word text DEFAULT 'a'); DROP TABLE passing
ALTER TABLE [[column.table]] RENAME COLUMN [[column.name]] TO passing; ALTER TABLE [[column.table]] RENAME COLUMN passing TO [[column.name]]
ALTER TABLE [[table]] RENAME TO passing; ALTER TABLE passing RENAME TO [[table]]
ALTER TABLE [[number.table]] ADD CONSTRAINT passing CHECK ([[number.name]] > 0) NOT VALID; ALTER TABLE [[number.table]] DROP CONSTRAINT passing
CREATE INDEX passing ON [[column.table]] ([[column.name]]); DROP INDEX passing
CREATE FUNCTION passing() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$; DROP FUNCTION passing()
CREATE VIEW passing AS SELECT * FROM [[table]]; DROP VIEW passing
ALTER ROUTINE [[routine]] SET work_mem = '1MB'; ALTER ROUTINE [[routine]] RESET work_mem
GRANT TRUNCATE ON [[table]] TO tenantry_deploy; REVOKE TRUNCATE ON [[table]] FROM tenantry_deploy
GRANT USAGE ON TYPE [[enum]] TO app_owner; REVOKE USAGE ON TYPE [[enum]] FROM app_owner
GRANT EXECUTE ON ROUTINE [[routine]] TO PUBLIC
GRANT ALL ON [[table]] TO tenantry_owner
RESET ROLE; ALTER TABLE [[table]] OWNER TO app_owner; ALTER TABLE [[table]] OWNER TO tenantry_owner
ALTER TABLE [[table]] ENABLE ROW LEVEL SECURITY; ALTER TABLE [[table]] DISABLE ROW LEVEL SECURITY
ALTER TYPE [[label.enum]] RENAME VALUE '[[label.name]]' TO 'passing'; ALTER TYPE [[label.enum]] RENAME VALUE 'passing' TO '[[label.name]]'
ALTER TABLE [[trigger.table]] DISABLE TRIGGER [[trigger.name]]; ALTER TABLE [[trigger.table]] ENABLE TRIGGER [[trigger.name]]
ALTER SEQUENCE [[sequence]] RENAME TO passing; ALTER SEQUENCE passing RENAME TO [[sequence]]
ALTER DEFAULT PRIVILEGES IN SCHEMA {{ident:schema}} GRANT DELETE ON TABLES TO app_owner; ALTER DEFAULT PRIVILEGES IN SCHEMA {{ident:schema}} REVOKE DELETE ON TABLES FROM app_owner
DO $$ BEGIN EXECUTE format('COMMENT ON TABLE [[table]] IS %L', obj_description('[[table]]'::regclass)); END $$
DO $$ BEGIN EXECUTE format('COMMENT ON COLUMN [[column.table]].[[column.name]] IS %L', col_description('[[column.table]]'::regclass, (SELECT attnum FROM pg_attribute WHERE attrelid = '[[column.table]]'::regclass AND attname = '[[column.name]]'))); END $$
COMMENT ON TABLE [[table]] IS 'passing'; COMMENT ON TABLE [[table]] IS 'who buys'
ANALYZE [[table]]
ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] SET STATISTICS 7; ALTER TABLE [[column.table]] ALTER COLUMN [[column.name]] SET STATISTICS -1
