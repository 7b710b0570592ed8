-- Who holds the advisory lock of key $1.
SELECT l.pid, a.usename::text, a.application_name, pg_catalog.host(a.client_addr), a.xact_start::text
  FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
   AND l.classid = ((pg_catalog.hashtextextended($1, 0) >> 32) & 4294967295)::oid
   AND l.objid = (pg_catalog.hashtextextended($1, 0) & 4294967295)::oid
 LIMIT 1
