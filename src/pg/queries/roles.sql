-- $1: roles. Whether each exists, and whether the connecting role can become it.
SELECT o.name,
       r.oid IS NOT NULL,
       COALESCE(pg_catalog.pg_has_role(r.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::int4 >= 160000
                                                   THEN 'SET' ELSE 'MEMBER' END), false)
  FROM pg_catalog.unnest($1::text[]) AS o (name) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = o.name
