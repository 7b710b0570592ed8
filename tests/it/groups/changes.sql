ALTER TYPE loan_state ADD VALUE 'burnt'
ALTER TYPE loan_state ADD VALUE 'held' BEFORE 'lent'
ALTER TYPE grade RENAME VALUE 'fine' TO 'perfect'
ALTER DOMAIN isbn DROP CONSTRAINT isbn_len; ALTER DOMAIN isbn ADD CONSTRAINT isbn_len CHECK (length(VALUE) <= 15)
ALTER DOMAIN copies SET DEFAULT 2
ALTER DOMAIN usual_grade DROP NOT NULL
ALTER DOMAIN usual_grade SET DEFAULT 'fine'
ALTER DOMAIN copies RENAME CONSTRAINT copies_some TO copies_any
ALTER SEQUENCE shelf_no INCREMENT 20
ALTER SEQUENCE shelf_no MAXVALUE 2147483648
ALTER SEQUENCE shelf_no OWNED BY NONE
ALTER TABLE books ALTER shelf SET DEFAULT nextval('readers_id_seq')
ALTER TABLE loans ALTER state SET DEFAULT 'lent'
ALTER TABLE loans ALTER seen SET DEFAULT '{asked,lent}'
ALTER TABLE books ALTER price SET DEFAULT 1
CREATE OR REPLACE FUNCTION plain(v text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$ SELECT upper(btrim(v)) $$
ALTER FUNCTION stamp() SECURITY DEFINER
ALTER FUNCTION stamp() SET search_path = pg_catalog
ALTER FUNCTION fee(numeric, numeric) STABLE
CREATE OR REPLACE FUNCTION fee(net numeric, rate numeric DEFAULT 0.07) RETURNS numeric LANGUAGE sql IMMUTABLE RETURN round(net * (1 + rate), 3)
CREATE OR REPLACE FUNCTION open_loans(r bigint) RETURNS SETOF loans LANGUAGE sql STABLE BEGIN ATOMIC SELECT * FROM loans l WHERE l.reader_id = r AND l.state IN ('asked', 'lost'); END
CREATE OR REPLACE FUNCTION best(n int DEFAULT 11, floor_grade grade DEFAULT 'fair') RETURNS TABLE (book int, times bigint) LANGUAGE sql STABLE SECURITY DEFINER COST 500 ROWS 50 AS $$ SELECT l.book_id, count(*) FROM loans l WHERE l.given >= floor_grade GROUP BY 1 ORDER BY 2 DESC LIMIT n $$
REVOKE EXECUTE ON FUNCTION longer(text, text) FROM PUBLIC
REVOKE ALL ON FUNCTION longer(text, text) FROM PUBLIC, CURRENT_USER
CREATE OR REPLACE TRIGGER loans_stamp BEFORE UPDATE OF state, note ON loans FOR EACH ROW WHEN (NEW.state <> 'asked') EXECUTE FUNCTION stamp_late()
CREATE OR REPLACE TRIGGER loans_stamp BEFORE UPDATE OF state, note ON loans FOR EACH ROW WHEN (NEW.state <> 'lent') EXECUTE FUNCTION stamp()
CREATE OR REPLACE TRIGGER readers_stamp BEFORE UPDATE ON readers FOR EACH ROW WHEN (plain(NEW.name) <> OLD.name) EXECUTE FUNCTION stamp()
ALTER TABLE readers DISABLE TRIGGER readers_stamp
ALTER TABLE loans DISABLE TRIGGER ALL
CREATE OR REPLACE VIEW loan_totals AS SELECT l.id, l.state, r.name, fee(b.price) AS total FROM loans l JOIN readers r ON r.id = l.reader_id LEFT JOIN books b ON b.id = l.book_id WHERE l.state IN ('asked', 'lent')
ALTER VIEW staff SET (check_option = cascaded)
DROP MATERIALIZED VIEW lent; CREATE MATERIALIZED VIEW lent AS SELECT b.code, date_trunc('week', l.changed_at) AS day, count(*) AS n FROM loans l JOIN books b ON b.id = l.book_id WHERE l.state = 'lent'::loan_state GROUP BY 1, 2; CREATE UNIQUE INDEX lent_key ON lent (code, day)
ALTER POLICY loans_see ON loans USING (may_see(loans) AND true)
ALTER POLICY loans_see ON loans TO pg_read_all_data
ALTER POLICY loans_new ON loans WITH CHECK (state = 'lent' AND EXISTS (SELECT 1 FROM readers r WHERE r.id = loans.reader_id))
ALTER TABLE loans DROP CONSTRAINT loans_grade_ck; ALTER TABLE loans ADD CONSTRAINT loans_grade_ck CHECK (grade_rank(given) < 4)
ALTER TABLE books DROP CONSTRAINT books_price_ck; ALTER TABLE books ADD CONSTRAINT books_price_ck CHECK (price >= 0) NOT VALID
ALTER TABLE loans DROP CONSTRAINT loans_book_fk; ALTER TABLE loans ADD CONSTRAINT loans_book_fk FOREIGN KEY (book_id) REFERENCES books (id) ON DELETE RESTRICT DEFERRABLE INITIALLY DEFERRED
ALTER TABLE loans ALTER CONSTRAINT loans_book_fk NOT DEFERRABLE
ALTER TABLE loans DROP CONSTRAINT loans_book_fk; ALTER TABLE loans ADD CONSTRAINT loans_book_fk FOREIGN KEY (book_id) REFERENCES tenant_1.books (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
ALTER TABLE rooms DROP CONSTRAINT rooms_free; ALTER TABLE rooms ADD CONSTRAINT rooms_free EXCLUDE USING gist (during WITH -|-) WHERE (room <> 'hall')
DROP INDEX loans_open_idx; CREATE INDEX loans_open_idx ON loans (reader_id, changed_at) WHERE state IN ('asked', 'lost')
DROP INDEX loans_rank_idx; CREATE INDEX loans_rank_idx ON loans (grade_rank(given), id)
DROP INDEX readers_plain_idx; CREATE INDEX readers_plain_idx ON readers (plain(nick))
DROP INDEX readers_plain_idx; CREATE INDEX readers_plain_idx ON readers (tenant_1.plain(name))
ALTER INDEX loans_rank_idx ALTER COLUMN 1 SET STATISTICS 500
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'readers_kind_idx'::regclass
CREATE UNIQUE INDEX settings_level ON settings (level) /* since 15 */ NULLS NOT DISTINCT
ALTER TABLE visits DETACH PARTITION visits_2023
ALTER TABLE visits DETACH PARTITION visits_2024; ALTER TABLE visits ATTACH PARTITION visits_2024 FOR VALUES FROM ('2024-01-01 00:00+00') TO ('2025-02-01 00:00+00')
ALTER TABLE carts NO INHERIT things
DROP STATISTICS loans_st; CREATE STATISTICS loans_st ON grade_rank(given), note FROM loans
ALTER STATISTICS readers_st SET STATISTICS 500
COMMENT ON TABLE readers IS 'who writes'
COMMENT ON COLUMN loans.note IS 'why'
COMMENT ON POLICY loans_see ON loans IS NULL
COMMENT ON AGGREGATE longest(text) IS 'x'
COMMENT ON COLLATION bytewise IS 'x'
COMMENT ON SCHEMA {schema} IS 'x'
GRANT DELETE ON readers TO pg_read_all_data
GRANT SELECT ON readers TO pg_read_all_data WITH GRANT OPTION
GRANT SELECT (price) ON books TO pg_read_all_data
GRANT USAGE ON SCHEMA {schema} TO pg_read_all_data
GRANT USAGE ON SCHEMA {schema} TO {reader} WITH GRANT OPTION
GRANT CREATE ON SCHEMA {schema} TO {reader}
GRANT SELECT ON settings TO {reader}
REVOKE USAGE ON TYPE isbn FROM PUBLIC
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT SELECT ON TABLES TO pg_read_all_data
ALTER TABLE readers OWNER TO pg_database_owner
ALTER TYPE grade OWNER TO pg_database_owner
ALTER TABLE loans FORCE ROW LEVEL SECURITY
ALTER TABLE loans DISABLE ROW LEVEL SECURITY
ALTER TABLE readers REPLICA IDENTITY FULL
ALTER TABLE books ALTER title SET STORAGE EXTERNAL
ALTER TABLE books ALTER title SET (n_distinct = 5)
ALTER TABLE readers ALTER nick TYPE text COLLATE "default"
ALTER TABLE books ALTER state TYPE grade
CREATE OR REPLACE RULE settings_keep AS ON DELETE TO settings WHERE old.level = 'poor' DO INSTEAD NOTHING
CREATE OR REPLACE AGGREGATE longest (text) (SFUNC = longer, STYPE = text, INITCOND = 'a')
ALTER TABLE settings SET UNLOGGED
ALTER TABLE settings SET (toast.autovacuum_enabled = false)
ALTER TABLE loans ALTER id SET INCREMENT 6
ALTER TABLE readers ADD extra int
ALTER TABLE readers RENAME nick TO nickname
ALTER TABLE readers ALTER mail DROP NOT NULL
ALTER TYPE place ADD ATTRIBUTE country text
ALTER TABLE settings ALTER usual TYPE rooms USING NULL
CREATE FUNCTION is_same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 = $2'; CREATE OPERATOR === (LEFTARG = text, RIGHTARG = text, FUNCTION = is_same)
CREATE TYPE cheap_range AS RANGE (subtype = numeric)
ALTER TEXT SEARCH CONFIGURATION words DROP MAPPING FOR email
CREATE PUBLICATION news FOR TABLE readers
CREATE PUBLICATION more FOR /* since 15 */ TABLES IN SCHEMA {schema}
ALTER EXTENSION plpgsql ADD FUNCTION stamp_late()
CREATE OR REPLACE FUNCTION may_see(l loans) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT l.given <> 'fine' OR current_setting('app.admin', true) = 'off' $$
DROP VIEW staff; CREATE VIEW staff WITH (security_barrier) AS SELECT id, name, plain(name) AS n FROM tenant_1.readers WHERE kind IN ('adult', 'staff') WITH LOCAL CHECK OPTION
ALTER TABLE readers DROP CONSTRAINT readers_kind_ck; ALTER TABLE readers ADD CONSTRAINT readers_kind_ck CHECK (kind IN ('child', 'adult', 'staff')) /* since 18 */ NOT ENFORCED
ALTER TABLE readers RENAME CONSTRAINT /* since 18 */ readers_name_not_null TO readers_named
ALTER FUNCTION stamp() DEPENDS ON EXTENSION plpgsql
ALTER PROCEDURE close_day(date) DEPENDS ON EXTENSION plpgsql
ALTER TRIGGER readers_stamp ON readers DEPENDS ON EXTENSION plpgsql
ALTER INDEX loans_rank_idx DEPENDS ON EXTENSION plpgsql
ALTER MATERIALIZED VIEW lent DEPENDS ON EXTENSION plpgsql
ALTER FUNCTION grade_rank(grade) NO DEPENDS ON EXTENSION plpgsql
