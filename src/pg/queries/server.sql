SELECT pg_catalog.current_setting('server_version_num')::int4,
       d.datname::text,
       d.oid,
       r.rolname::text,
       r.rolsuper,
       pg_catalog.has_database_privilege(d.oid, 'CREATE'),
       pg_catalog.pg_is_in_recovery() OR pg_catalog.current_setting('default_transaction_read_only')::bool,
       -- Not every managed service lets a plain role call it.
       pg_catalog.has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE'),
       pg_catalog.pg_postmaster_start_time()::text
  FROM pg_catalog.pg_database d, pg_catalog.pg_roles r
 WHERE d.datname = pg_catalog.current_database() AND r.rolname = current_user
