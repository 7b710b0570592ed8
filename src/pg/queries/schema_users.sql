-- $1: schemas, $2: roles. The pairs of those that exist of which the role has no USAGE on the schema.
SELECT n.nspname::text, r.rolname::text
  FROM pg_catalog.pg_namespace n, pg_catalog.pg_roles r
 WHERE n.nspname = ANY ($1::text[]) AND r.rolname = ANY ($2::text[])
   AND NOT COALESCE(pg_catalog.has_schema_privilege(r.oid, n.oid, 'USAGE'), true)
