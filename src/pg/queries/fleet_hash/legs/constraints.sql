-- Constraints of tables and domains.
SELECT ROW(5, relname, typname, conname, contype, convalidated, condeferrable, condeferred, conkey, confkey, frel, fns, confupdtype, confdeltype,
           confmatchtype, delsetcols, enforced, period, conislocal, coninhcount, connoinherit, child, CASE WHEN NOT named THEN conexclop END) AS r,
       t0, t1, named AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT *, COALESCE(conexclop::text ~ '{user_oid}', false) AS named
          FROM (SELECT c.relname, y.typname, k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred, k.conkey, k.confkey,
                       f.relname AS frel, NULLIF(f.relnamespace, k.connamespace) AS fns, k.confupdtype, k.confdeltype, k.confmatchtype,
                       {confdelsetcols} AS delsetcols, {conenforced} AS enforced, {conperiod} AS period, k.conislocal, k.coninhcount, k.connoinherit,
                       k.conparentid <> 0 AS child, k.conexclop, hashtextextended(k.conbin::text, 0) AS t0,
                       hashtextextended(k.conbin::text, 1) AS t1, array_agg(k.connamespace) AS nss, array_agg(k.oid) AS oids
                  FROM pg_constraint k
                  LEFT JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r','p','f')
                  LEFT JOIN pg_class f ON f.oid = k.confrelid AND f.relkind IN ('r','p')
                  LEFT JOIN pg_type y ON y.oid = k.contypid AND y.typtype = 'd'
                 WHERE CASE WHEN k.connamespace = ANY ($1) THEN true ELSE false END AND CASE WHEN k.conrelid = ANY ($2) THEN false ELSE true END
                 GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24 OFFSET 0) v OFFSET 0) z
