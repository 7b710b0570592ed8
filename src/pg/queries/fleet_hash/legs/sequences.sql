-- Parameters of sequences, and the column that owns each.
SELECT ROW(9, relname, seqtypid, par, seqcycle, ocol, orel, ons) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm,
       nss, NULL::oid[] AS oids
  FROM (SELECT c.relname, s.seqtypid, concat_ws(',', s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache) AS par, s.seqcycle,
               o.refobjsubid AS ocol, o.relname AS orel, NULLIF(o.relnamespace, c.relnamespace) AS ons, array_agg(c.relnamespace) AS nss
          FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
          LEFT JOIN LATERAL (SELECT d.refobjsubid, o.oid, o.relname, o.relnamespace FROM pg_depend d JOIN pg_class o ON o.oid = d.refobjid
                              WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0
                                AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a','i') LIMIT 1) o ON true
         WHERE CASE WHEN c.relnamespace = ANY ($1) THEN true ELSE false END AND c.relkind = 'S' AND CASE WHEN o.oid = ANY ($2) THEN false ELSE true END
         GROUP BY 1,2,3,4,5,6,7 OFFSET 0) z
