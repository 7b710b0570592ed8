-- Columns. A type or collation of the same schema counts by name.
SELECT ROW(3, relname, attnum, attname, typ, typ2, atttypmod, attnotnull, attidentity, attgenerated, coll, coll2, attisdropped, attstorage,
           attcompression, attstattarget, attislocal, attinhcount, attoptions, attfdwoptions, CASE WHEN attacl IS NOT NULL THEN (
             SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C")
               FROM (SELECT concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'),
                                      COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable)
                       FROM aclexplode(attacl)) e (i)) END) AS r,
       NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm, nss, NULL::oid[] AS oids
  FROM (SELECT c.relname, a.attnum, a.attname, CASE WHEN a.atttypid < 16384 THEN a.atttypid END AS typ,
               CASE WHEN a.atttypid >= 16384 THEN (SELECT CASE WHEN y.typnamespace = c.relnamespace THEN '.' || y.typname ELSE y.oid::text END
                                                     FROM pg_type y WHERE y.oid = a.atttypid) END AS typ2,
               a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, CASE WHEN a.attcollation < 16384 THEN a.attcollation END AS coll,
               CASE WHEN a.attcollation >= 16384 THEN (SELECT CASE WHEN o.collnamespace = c.relnamespace THEN '.' || o.collname ELSE o.oid::text END
                                                         FROM pg_collation o WHERE o.oid = a.attcollation) END AS coll2,
               a.attisdropped, a.attstorage, a.attcompression, a.attstattarget, a.attislocal, a.attinhcount, a.attoptions, a.attfdwoptions, a.attacl,
               CASE WHEN a.attacl IS NOT NULL THEN (SELECT w.nspowner FROM pg_namespace w WHERE w.oid = c.relnamespace) END AS nspowner,
               array_agg(c.relnamespace) AS nss
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
         WHERE CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
           AND c.relkind IN ('r','p','v','m','f','c') AND a.attnum > 0
         GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21 OFFSET 0) z
