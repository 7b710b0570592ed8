-- Labels of enums by rank.
SELECT ROW(11, typname, enumlabel, k) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm, array_agg(ns) AS nss, NULL::oid[] AS oids
  FROM (SELECT t.typnamespace AS ns, t.typname, e.enumlabel, row_number() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder) AS k
          FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid
         WHERE t.typtype = 'e' AND CASE WHEN t.typnamespace = ANY ($1) THEN true ELSE false END) z
 GROUP BY typname, enumlabel, k
