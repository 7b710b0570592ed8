-- Every schema but PostgreSQL's own, with its history table where it has one. $1: names of history tables; $2: the only schemas
-- asked for, or NULL for all.
-- A function that asks for privileges answers NULL when the object was dropped since the snapshot was taken.
SELECT n.oid,
       n.nspname::text,
       pg_catalog.pg_get_userbyid(n.nspowner)::text,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       c.relname::text,
       COALESCE(pg_catalog.has_table_privilege(c.oid, 'SELECT'), false),
       c.relkind::text,
       (SELECT pg_catalog.string_agg(a.attname || ' ' || pg_catalog.format_type(a.atttypid, NULL), ', ' ORDER BY a.attnum)
          FROM pg_catalog.pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
       CASE WHEN pg_catalog.pg_has_role(c.relowner, CASE WHEN pg_catalog.current_setting('server_version_num')::int4 >= 160000
                                                         THEN 'SET' ELSE 'MEMBER' END)
            THEN pg_catalog.pg_get_userbyid(c.relowner)::text END
  FROM pg_catalog.pg_namespace n
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = ANY ($1::text[])
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND ($2::text[] IS NULL OR n.nspname = ANY ($2::text[]))
