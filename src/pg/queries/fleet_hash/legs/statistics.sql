-- Extended statistics.
SELECT ROW(15, stxname, relname, rns, stxkeys, stxkind, stxstattarget, owner) AS r, t0, t1, false AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT s.stxname, c.relname, NULLIF(c.relnamespace, n.oid) AS rns, s.stxkeys::text, s.stxkind, s.stxstattarget,
               NULLIF(s.stxowner, n.nspowner) AS owner, hashtextextended(s.stxexprs::text, 0) AS t0, hashtextextended(s.stxexprs::text, 1) AS t1,
               array_agg(n.oid) AS nss, array_agg(s.oid) AS oids
          FROM ns n JOIN pg_statistic_ext s ON s.stxnamespace = n.oid JOIN pg_class c ON c.oid = s.stxrelid
         WHERE CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
         GROUP BY 1,2,3,4,5,6,7,8,9 OFFSET 0) z
