-- What others use, this session left out. Every session of a user shows here, to every role.
WITH session AS (
    SELECT a.usesysid, a.datid FROM pg_catalog.pg_stat_activity a
     WHERE a.usesysid IS NOT NULL AND a.pid <> pg_catalog.pg_backend_pid()
)
SELECT pg_catalog.current_setting('max_connections')::int8
           - pg_catalog.current_setting('superuser_reserved_connections')::int8
           - coalesce(pg_catalog.current_setting('reserved_connections', true), '0')::int8
           - (SELECT count(*) FROM session),
       CASE WHEN r.rolconnlimit >= 0 AND NOT r.rolsuper
            THEN r.rolconnlimit - (SELECT count(*) FROM session s WHERE s.usesysid = r.oid) END,
       CASE WHEN d.datconnlimit >= 0 AND NOT r.rolsuper
            THEN d.datconnlimit - (SELECT count(*) FROM session s WHERE s.datid = d.oid) END,
       pg_catalog.current_setting('max_locks_per_transaction')::int8,
       pg_catalog.current_setting('max_connections')::int8
           + pg_catalog.current_setting('max_prepared_transactions')::int8
  FROM pg_catalog.pg_roles r, pg_catalog.pg_database d
 WHERE r.rolname = session_user AND d.datname = pg_catalog.current_database()
