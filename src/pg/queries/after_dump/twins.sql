-- As in_place.sql, of what can't be made again under its name, as others lean on it: a twin with a name of its own. A row
-- a twin: its kind, its name, the name of what it is a twin of, and the item; none where the twin comes with that of a
-- parent table. The search path is ''.
WITH RECURSIVE relation AS (
    SELECT c.* FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1
      AND d.deptype = 'n' AND c.relkind IN ('r', 'p', 'm')),
generated AS (
    SELECT a.*, relname, pg_get_expr(adbin, adrelid) AS expression,
           format('tenantry_twin_%s_%s', attrelid, attnum) AS twin
    FROM relation r JOIN pg_attrdef ON adrelid = r.oid JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
    WHERE attgenerated <> ''),
-- A twin comes to the children as well, where it stands for their column if that is generated alike.
inherited AS (
    SELECT twin, attname, expression, attrelid FROM generated WHERE attinhcount = 0
    UNION SELECT twin, attname, expression, inhrelid FROM inherited JOIN pg_inherits ON inhparent = attrelid),
columns AS (
    SELECT twin, relname, attname, jsonb_build_object(
        'before', format(frame, attname), 'after', format(frame, twin),
        'statements', array_remove(ARRAY[
            format('ALTER TABLE %s ADD COLUMN %I %s%s GENERATED ALWAYS AS (%s) %s%s', attrelid::regclass, twin, format_type(atttypid, atttypmod),
                (SELECT format(' COLLATE %s', oid::regcollation) FROM pg_collation WHERE oid = attcollation), expression,
                CASE attgenerated WHEN 's' THEN 'STORED' ELSE 'VIRTUAL' END, CASE WHEN attnotnull THEN ' NOT NULL' ELSE '' END),
            CASE WHEN attstorage <> (SELECT typstorage FROM pg_type WHERE oid = atttypid)
                THEN format('ALTER TABLE %s ALTER COLUMN %I SET STORAGE %s', attrelid::regclass, twin,
                    CASE attstorage WHEN 'p' THEN 'PLAIN' WHEN 'm' THEN 'MAIN' WHEN 'e' THEN 'EXTERNAL' ELSE 'EXTENDED' END) END,
            CASE attcompression WHEN 'p' THEN format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION pglz', attrelid::regclass, twin)
                WHEN 'l' THEN format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', attrelid::regclass, twin) END,
            CASE WHEN statistics >= 0
                THEN format('ALTER TABLE %s ALTER COLUMN %I SET STATISTICS %s', attrelid::regclass, twin, statistics) END], NULL)) AS item
    FROM generated g,
        LATERAL (SELECT (to_jsonb(g) ->> 'attstattarget')::integer AS statistics) AS s,
        LATERAL (SELECT format('SELECT to_jsonb(a) - ''{attnum,attname,attcacheoff,atthasmissing,attmissingval,attacl}''::text[] '
            'FROM pg_attribute a WHERE attrelid = %s AND attname = ', attrelid) || '%L' AS frame) AS f
    WHERE attinhcount = 0),
relations AS (
    SELECT twin, relname, relkind, jsonb_build_object(
        'before', format(frame, r.oid::regclass), 'after', format(frame, format('%I.%I', $1::regnamespace, twin)),
        'statements', ARRAY[CASE relkind
            WHEN 'm' THEN format('CREATE MATERIALIZED VIEW %I.%I USING %I%s AS %s WITH %s DATA', $1::regnamespace, twin,
                (SELECT amname FROM pg_am WHERE oid = relam), options, rtrim(pg_get_viewdef(r.oid), ';'), CASE WHEN relispopulated THEN '' ELSE 'NO' END)
            ELSE format('CREATE TABLE %I.%I (LIKE %s INCLUDING ALL EXCLUDING INDEXES EXCLUDING IDENTITY) PARTITION BY %s%s', $1::regnamespace, twin, r.oid::regclass,
                pg_get_partkeydef(r.oid), options) END]) AS item
    FROM relation r LEFT JOIN pg_partitioned_table ON partrelid = r.oid,
        LATERAL (SELECT format('tenantry_twin_%s', r.oid) AS twin) AS t,
        LATERAL (SELECT coalesce((SELECT ' WITH (' || string_agg(format('%I=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')'
            FROM unnest(reloptions) o), '') AS options) AS o,
        LATERAL (SELECT 'SELECT jsonb_build_array(to_jsonb(c) - ''{oid,relname,reltype,relfilenode,reltoastrelid,relpages,reltuples,relallvisible,'
            'relallfrozen,relfrozenxid,relminmxid,relnatts,relchecks,relhasindex,relhasrules,relhastriggers,relhassubclass,relacl}''::text[], '
            '(SELECT to_jsonb(p) - ''{partrelid,partdefid,partexprs}''::text[] FROM pg_partitioned_table p WHERE partrelid = c.oid)) '
            'FROM pg_class c WHERE oid = %L::regclass' AS frame) AS f
    WHERE relkind = 'm' OR partexprs IS NOT NULL)
SELECT 'column', format('%I.%I', relname, twin), format('%I.%I', relname, attname), item::text FROM columns
UNION ALL SELECT 'column', format('%I.%I', relname, i.twin), format('%I.%I', relname, g.attname), NULL
    FROM inherited i JOIN generated g ON g.attrelid = i.attrelid AND g.attname = i.attname AND g.expression = i.expression
    WHERE g.attinhcount > 0
UNION ALL SELECT CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'table' END, twin, format('%I', relname), item::text FROM relations
