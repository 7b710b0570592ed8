-- Views, materialised views and rules; always deparsed.
SELECT ROW(18, relname, rulename, ev_enabled, ev_type, is_instead) AS r, NULL::int8 AS t0, NULL::int8 AS t1, true AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT c.relname, w.rulename, w.ev_enabled, w.ev_type, w.is_instead, array_agg(c.relnamespace) AS nss, array_agg(w.oid) AS oids
          FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class
         WHERE CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
         GROUP BY 1,2,3,4,5 OFFSET 0) z
