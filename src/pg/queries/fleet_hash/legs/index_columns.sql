-- Columns of indexes that carry options; the rest of them is said by their indexes.
SELECT ROW(21, relname, attnum, attstattarget, attoptions) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm, nss,
       NULL::oid[] AS oids
  FROM (SELECT c.relname, a.attnum, a.attstattarget, a.attoptions, array_agg(c.relnamespace) AS nss
          FROM (SELECT * FROM pg_attribute WHERE attnum > 0 AND (COALESCE(attstattarget, -1) <> -1 OR attoptions IS NOT NULL) OFFSET 0) a
          JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relkind IN ('i','I') AND CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
         GROUP BY 1,2,3,4 OFFSET 0) z
