-- $1: the tables the control schema must have.
SELECT n.nspname::text,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       COALESCE((SELECT pg_catalog.array_agg(c.relname::text)
                   FROM pg_catalog.pg_class c
                  WHERE c.relnamespace = n.oid AND c.relname = ANY ($1::text[])
                    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')), '{}')
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname = 'tenantry'
