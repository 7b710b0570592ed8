-- Defaults and generated columns.
SELECT ROW(4, relname, adnum) AS r, t0, t1, false AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT c.relname, d.adnum, hashtextextended(d.adbin::text, 0) AS t0, hashtextextended(d.adbin::text, 1) AS t1,
               array_agg(c.relnamespace) AS nss, array_agg(d.oid) AS oids
          FROM pg_class c JOIN pg_attrdef d ON d.adrelid = c.oid
         WHERE CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END AND c.relkind IN ('r','p','v','f')
         GROUP BY 1,2,3,4 OFFSET 0) z
