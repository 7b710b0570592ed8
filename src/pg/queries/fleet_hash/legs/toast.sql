-- Storage options of tables' toast tables.
SELECT ROW(2, c.relname, t.reloptions) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm,
       array_agg(c.relnamespace) AS nss, NULL::oid[] AS oids
  FROM (SELECT oid, reloptions FROM pg_class WHERE relkind = 't' AND reloptions IS NOT NULL OFFSET 0) t
  JOIN pg_class c ON c.reltoastrelid = t.oid
 WHERE c.relkind IN ('r','p','m') AND CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
 GROUP BY c.relname, t.reloptions
