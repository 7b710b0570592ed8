-- Inheritance, and partitions of tables and indexes.
SELECT ROW(13, child, parent, pns, inhseqno, inhdetachpending) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm,
       nss, NULL::oid[] AS oids
  FROM (SELECT c.relname AS child, p.relname AS parent, NULLIF(p.relnamespace, c.relnamespace) AS pns, h.inhseqno, h.inhdetachpending,
               array_agg(c.relnamespace) AS nss
          FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent
         WHERE CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
         GROUP BY 1,2,3,4,5 OFFSET 0) z
