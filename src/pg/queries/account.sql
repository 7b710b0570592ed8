-- What this session is and may do. $1: the control schema's tables that a run writes.
SELECT pg_catalog.current_setting('server_version'),
       r.rolbypassrls,
       COALESCE(s.ssl, false),
       s.version,
       pg_catalog.host(pg_catalog.inet_client_addr()),
       pg_catalog.pg_is_in_recovery(),
       EXTRACT(epoch FROM pg_catalog.clock_timestamp())::float8,
       (SELECT pg_catalog.pg_get_userbyid(n.nspowner)::text FROM pg_catalog.pg_namespace n WHERE n.nspname = 'tenantry'),
       (SELECT pg_catalog.bool_and(pg_catalog.has_table_privilege(c.oid, 'INSERT'))
          FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = 'tenantry' AND c.relname = ANY ($1::text[]))
  FROM pg_catalog.pg_roles r LEFT JOIN pg_catalog.pg_stat_ssl s ON s.pid = pg_catalog.pg_backend_pid()
 WHERE r.rolname = current_user
