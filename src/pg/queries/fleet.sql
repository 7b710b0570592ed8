-- The last: who was granted SELECT on the table of tenants, but for its owner and for everyone.
SELECT f.fleet, f.repository, (SELECT pg_catalog.max(h.version) FROM tenantry.schema_history h),
       ARRAY(SELECT r.rolname::text
               FROM pg_catalog.pg_namespace n JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid,
                    LATERAL pg_catalog.aclexplode(c.relacl) a JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
              WHERE n.nspname = 'tenantry' AND c.relname = 'tenant' AND a.privilege_type = 'SELECT'
                AND a.grantee <> c.relowner
              ORDER BY r.rolname)
  FROM tenantry.fleet f
