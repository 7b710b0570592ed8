-- $1: roles. Those that don't exist, or that the connecting role can't become.
SELECT o.name, r.oid IS NOT NULL
  FROM pg_catalog.unnest($1::text[]) AS o (name) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = o.name
 WHERE r.oid IS NULL OR NOT pg_catalog.pg_has_role(r.oid, 'MEMBER')
 ORDER BY o.name
