-- $1: the tables the control schema must have.
SELECT n.nspname::text,
       COALESCE(pg_catalog.has_schema_privilege(n.oid, 'USAGE'), false),
       COALESCE((SELECT pg_catalog.array_agg(c.relname::text)
                   FROM pg_catalog.pg_class c
                  WHERE c.relnamespace = n.oid AND c.relname = ANY ($1::text[])
                    AND pg_catalog.has_table_privilege(c.oid, 'SELECT')), '{}'),
       -- Nothing is in it but what its owner will let others read.
       NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                    WHERE d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND d.refobjid = n.oid
                      AND d.classid <> 'pg_catalog.pg_default_acl'::pg_catalog.regclass),
       n.nspowner = (SELECT r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = current_user),
       EXISTS (SELECT FROM pg_catalog.pg_default_acl d, LATERAL pg_catalog.aclexplode(d.defaclacl) a
                WHERE d.defaclnamespace = n.oid AND d.defaclrole = n.nspowner AND d.defaclobjtype = 'r'
                  AND a.privilege_type = 'SELECT' AND pg_catalog.pg_has_role(a.grantee, 'USAGE'))
  FROM pg_catalog.pg_namespace n
 WHERE n.nspname = 'tenantry'
