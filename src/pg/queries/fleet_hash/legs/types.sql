-- Domains, enums, ranges, base types and free composites; the tree is a domain's default.
SELECT ROW(10, typname, typtype, typlen, typbyval, typcategory, typispreferred, typdelim, typalign, typstorage, typnotnull,
           CASE WHEN typbasetype < 16384 THEN typbasetype END, typtypmod, typndims, CASE WHEN typcollation < 16384 THEN typcollation END, owner,
           CASE WHEN t0 IS NULL THEN typdefault END, CASE WHEN typacl IS NOT NULL THEN (
             SELECT NULLIF(COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0), ''),
                           COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1), ''))
               FROM (SELECT d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'),
                                         COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable)
                       FROM (SELECT 0, x.* FROM aclexplode(typacl) x
                             UNION ALL
                             SELECT 1, x.* FROM aclexplode(acldefault('T', COALESCE(owner, nspowner))) x) a (d)) e (d, i)) END) AS r,
       t0, t1, typbasetype >= 16384 OR typcollation >= 16384 OR typtype IN ('b','r') AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT t.typname, t.typtype, t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typdelim, t.typalign, t.typstorage, t.typnotnull,
               -- What counts by its name in the deparsed text mustn't split here.
               CASE WHEN t.typbasetype < 16384 THEN t.typbasetype ELSE 16384 END AS typbasetype, t.typtypmod, t.typndims,
               CASE WHEN t.typcollation < 16384 THEN t.typcollation ELSE 16384 END AS typcollation, NULLIF(t.typowner, n.nspowner) AS owner,
               t.typdefault, t.typacl, CASE WHEN t.typacl IS NOT NULL THEN n.nspowner END AS nspowner,
               hashtextextended(t.typdefaultbin::text, 0) AS t0, hashtextextended(t.typdefaultbin::text, 1) AS t1,
               array_agg(n.oid) AS nss, array_agg(t.oid) AS oids
          FROM ns n JOIN pg_type t ON t.typnamespace = n.oid
          LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
         WHERE t.typtype IN ('b','d','e','r','c','p') AND t.typsubscript <> 'array_subscript_handler'::regproc AND c.oid IS NULL
         GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20 OFFSET 0) z
