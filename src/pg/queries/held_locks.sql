-- Of each of the advisory locks of keys $1, in their order, whether anyone holds it.
SELECT EXISTS (
         SELECT FROM pg_catalog.pg_locks l
          WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
            AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())
            AND l.classid = ((pg_catalog.hashtextextended(k.key, 0) >> 32) & 4294967295)::oid
            AND l.objid = (pg_catalog.hashtextextended(k.key, 0) & 4294967295)::oid)
  FROM pg_catalog.unnest($1::text[]) WITH ORDINALITY k (key, number)
 ORDER BY k.number
