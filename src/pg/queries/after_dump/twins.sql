-- As in_place.sql, of what can't be made again under its name, as others lean on it: a twin with a name of its own. A row
-- a twin: its kind, its name, the name of what it is a twin of, and the item that makes it, perhaps with others. The search
-- path is ''.
WITH RECURSIVE relation AS (
    SELECT c.* FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1
      AND d.deptype = 'n' AND c.relkind IN ('r', 'p', 'm')),
generated AS (
    SELECT a.*, pg_get_expr(adbin, adrelid) AS expression
    FROM relation r JOIN pg_attrdef ON adrelid = r.oid JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
    WHERE attgenerated <> ''),
-- A generated column is made again in an empty table like its own, which no row type or data stands in the way of. The
-- tables that inherit it have twins that inherit that one's.
family (root, member, parent, depth) AS (
    SELECT DISTINCT attrelid, attrelid, 0::oid, 0 FROM generated WHERE attinhcount = 0
    UNION ALL SELECT root, inhrelid, inhparent, depth + 1 FROM family JOIN pg_inherits ON inhparent = member),
member AS (
    SELECT *, format('tenantry_twin_%s_%s', root, member) AS twin,
           format('%s.%I', $1::regnamespace, format('tenantry_twin_%s_%s', root, member)) AS path
    FROM family),
made AS (
    SELECT root, depth, 0 AS step, 0 AS part, CASE depth
        WHEN 0 THEN format('CREATE TABLE %s (LIKE %s INCLUDING STORAGE INCLUDING COMPRESSION)', path, member::regclass)
        ELSE format('CREATE TABLE %s () INHERITS (%s.%I)', path, $1::regnamespace, format('tenantry_twin_%s_%s', root, parent)) END AS statement
    FROM member
    UNION ALL
    SELECT root, depth, attnum, part, statement
    FROM member JOIN generated g ON attrelid = member,
        LATERAL (SELECT format('ALTER TABLE %s ALTER COLUMN %I', path, attname) AS alter_column) AS c,
        LATERAL unnest(ARRAY[
            CASE attinhcount WHEN 0 THEN format('ALTER TABLE %s DROP COLUMN %I, ADD COLUMN %2$I %s%s GENERATED ALWAYS AS (%s) %s%s', path, attname, format_type(atttypid, atttypmod),
                (SELECT ' COLLATE ' || oid::regcollation FROM pg_collation WHERE oid = attcollation), expression,
                CASE attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END, CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END) END,
            alter_column || ' SET STORAGE ' || CASE WHEN attstorage <> (SELECT typstorage FROM pg_type WHERE oid = atttypid)
                THEN CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'm' THEN 'MAIN' WHEN 'e' THEN 'EXTERNAL' ELSE 'EXTENDED' END END,
            alter_column || ' SET COMPRESSION ' || CASE attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
            alter_column || ' SET STATISTICS ' || CASE WHEN (to_jsonb(g) ->> 'attstattarget')::integer >= 0 THEN to_jsonb(g) ->> 'attstattarget' END])
            WITH ORDINALITY AS statement (statement, part)
    WHERE statement IS NOT NULL
      AND attname IN (SELECT of.attname FROM generated of WHERE of.attrelid = root AND of.attinhcount = 0)),
families AS (
    SELECT root, jsonb_build_object(
        'before', format(frame, array_agg(member::regclass::text ORDER BY member)), 'after', format(frame, array_agg(path ORDER BY member)),
        'statements', (SELECT jsonb_agg(statement ORDER BY depth, step, part) FROM made WHERE made.root = member.root)) AS item
    FROM member, LATERAL (SELECT format(
        'SELECT jsonb_agg(to_jsonb(a) - ''{attrelid,attnum,attcacheoff,atthasmissing,attmissingval,attacl}''::text[] ORDER BY attname, array_position(members, attrelid)) '
        'FROM pg_attribute a, (SELECT %%L::regclass[]::oid[] AS members) AS m WHERE attrelid = ANY (members) AND attname = ANY (%L::name[])',
        (SELECT array_agg(attname) FROM generated WHERE attrelid = root AND attinhcount = 0)) AS frame) AS f
    GROUP BY root, frame),
relations AS (
    SELECT twin, relname, relkind, jsonb_build_object(
        'before', format(frame, r.oid::regclass), 'after', format(frame, format('%s.%I', $1::regnamespace, twin)),
        'statements', ARRAY[CASE relkind
            WHEN 'm' THEN format('CREATE MATERIALIZED VIEW %s.%I USING %I%s AS %s WITH NO DATA', $1::regnamespace, twin,
                (SELECT amname FROM pg_am WHERE oid = relam), options, rtrim(pg_get_viewdef(r.oid), ';'))
            ELSE format('CREATE TABLE %s.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) PARTITION BY %s%s', $1::regnamespace, twin, r.oid::regclass,
                pg_get_partkeydef(r.oid), options) END]
            || (SELECT array_agg(format('ALTER MATERIALIZED VIEW %s.%I DEPENDS ON EXTENSION %I', $1::regnamespace, twin, extname))
                FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
                WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'x')) AS item
    FROM relation r LEFT JOIN pg_partitioned_table ON partrelid = r.oid,
        LATERAL (SELECT format('tenantry_twin_%s', r.oid) AS twin) AS t,
        LATERAL (SELECT coalesce((SELECT ' WITH (' || string_agg(format('%I=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
            FROM unnest(reloptions) o), '') AS options) AS o,
        LATERAL (SELECT 'SELECT jsonb_build_array(to_jsonb(c) - ''{oid,relname,reltype,relfilenode,reltoastrelid,relpages,reltuples,relallvisible,'
            'relallfrozen,relfrozenxid,relminmxid,relnatts,relchecks,relhasindex,relhasrules,relhastriggers,relhassubclass,relispopulated,relacl}''::text[], '
            '(SELECT to_jsonb(p) - ''{partrelid,partdefid,partexprs}''::text[] FROM pg_partitioned_table p WHERE partrelid = c.oid)) '
            'FROM pg_class c WHERE oid = %L::regclass' AS frame) AS f
    WHERE relkind = 'm' OR partexprs IS NOT NULL),
domains AS (
    SELECT twin, t.oid, typname, jsonb_build_object(
        'before', format(frame, t.oid::regtype), 'after', format(frame, format('%s.%I', $1::regnamespace, twin)),
        'statements', ARRAY[
            format('CREATE DOMAIN %s.%I AS %s', $1::regnamespace, twin, format_type(typbasetype, typtypmod))
            || coalesce((SELECT format(' COLLATE %s', oid::regcollation) FROM pg_collation WHERE oid = typcollation), '')
            || coalesce(' DEFAULT ' || pg_get_expr(typdefaultbin, 0), '') || CASE WHEN typnotnull THEN ' NOT NULL' ELSE '' END]
        || (SELECT array_agg(format('ALTER DOMAIN %s.%I ADD CONSTRAINT %I %s', $1::regnamespace, twin, conname, pg_get_constraintdef(c.oid)))
            FROM pg_constraint c WHERE contypid = t.oid AND contype = 'c')) AS item
    FROM pg_depend d JOIN pg_type t ON t.oid = d.objid,
        LATERAL (SELECT format('tenantry_twin_%s', t.oid) AS twin) AS n,
        LATERAL (SELECT 'SELECT jsonb_build_array(to_jsonb(t) - ''{oid,typname,typarray,typdefault,typdefaultbin,typndims,typacl}''::text[], '
            '(SELECT jsonb_agg(to_jsonb(c) - ''{oid,conbin,contypid}''::text[] ORDER BY conname) FROM pg_constraint c '
            'WHERE contypid = t.oid AND contype = ''c'')) FROM pg_type t WHERE oid = %L::regtype' AS frame) AS f
    WHERE d.classid = 'pg_type'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1 AND t.typtype = 'd'
      AND (typdefaultbin IS NOT NULL OR EXISTS (SELECT FROM pg_constraint WHERE contypid = t.oid AND contype = 'c')))
SELECT 'column', format('%I.%I', twin, g.attname), format('%I.%I', relname, g.attname), item::text AS item
FROM member JOIN families USING (root) JOIN relation ON oid = member JOIN generated g ON attrelid = member
    JOIN generated of ON of.attrelid = root AND of.attname = g.attname AND of.attinhcount = 0 AND of.expression = g.expression
UNION ALL SELECT CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'table' END, twin, format('%I', relname), item::text FROM relations
UNION ALL SELECT 'domain', twin, format('%I', typname), item::text FROM domains
UNION ALL SELECT 'constraint', format('%I.%I', twin, conname), format('%I.%I', typname, conname), item::text
    FROM domains d JOIN pg_constraint ON contypid = d.oid AND contype = 'c'
