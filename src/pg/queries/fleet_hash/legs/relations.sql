-- Relations but indexes; the tree is a partition's bound.
SELECT ROW(1, relname, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident, relispartition, relam,
           reltablespace, owner, CASE WHEN relacl IS NOT NULL THEN (
             SELECT NULLIF(COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0), ''),
                           COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1), ''))
               FROM (SELECT d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'),
                                         COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable)
                       FROM (SELECT 0, x.* FROM aclexplode(relacl) x
                             UNION ALL
                             SELECT 1, x.* FROM aclexplode(acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                                                      COALESCE(owner, nspowner))) x) a (d)) e (d, i)) END) AS r,
       t0, t1, typed AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident,
               c.relispartition, c.relam, c.reltablespace, NULLIF(c.relowner, n.nspowner) AS owner, c.relacl,
               CASE WHEN c.relacl IS NOT NULL THEN n.nspowner END AS nspowner, c.reloftype <> 0 AS typed,
               hashtextextended(c.relpartbound::text, 0) AS t0, hashtextextended(c.relpartbound::text, 1) AS t1,
               array_agg(n.oid) AS nss, array_agg(c.oid) AS oids
          FROM ns n JOIN pg_class c ON c.relnamespace = n.oid
         WHERE c.relkind IN ('r','p','v','m','f','S','c') AND CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
         GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 OFFSET 0) z
