-- Partition keys.
SELECT ROW(14, relname, partstrat, partattrs, CASE WHEN NOT named THEN cls END) AS r, t0, t1, named AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT *, cls ~ '{user_oid}' AS named
          FROM (SELECT c.relname, p.partstrat, p.partattrs::text, concat(p.partclass::text, '/', p.partcollation::text) AS cls,
                       hashtextextended(p.partexprs::text, 0) AS t0, hashtextextended(p.partexprs::text, 1) AS t1,
                       array_agg(c.relnamespace) AS nss, array_agg(c.oid) AS oids
                  FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid
                 WHERE CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
                 GROUP BY 1,2,3,4,5,6 OFFSET 0) v OFFSET 0) z
