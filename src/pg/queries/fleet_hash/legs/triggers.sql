-- Own triggers, and internal ones whose state was changed.
SELECT ROW(7, relname, tgname, tgtype, tgenabled, tgisinternal, child, proname, pns, tgattr, tgargs, tgdeferrable, tginitdeferred, tgoldtable,
           tgnewtable, frel) AS r,
       t0, t1, false AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT c.relname, CASE WHEN t.tgisinternal THEN (SELECT k.conname FROM pg_constraint k WHERE k.oid = t.tgconstraint) ELSE t.tgname END AS tgname,
               t.tgtype, t.tgenabled, t.tgisinternal, t.tgparentid <> 0 AS child, p.proname, NULLIF(p.pronamespace, c.relnamespace) AS pns,
               t.tgattr::text, t.tgargs, t.tgdeferrable, t.tginitdeferred, t.tgoldtable, t.tgnewtable,
               CASE WHEN NOT t.tgisinternal AND t.tgconstrrelid <> 0 THEN
                 (SELECT concat(NULLIF(f.relnamespace, c.relnamespace), '.', f.relname) FROM pg_class f WHERE f.oid = t.tgconstrrelid) END AS frel,
               hashtextextended(t.tgqual::text, 0) AS t0, hashtextextended(t.tgqual::text, 1) AS t1,
               array_agg(c.relnamespace) AS nss, array_agg(t.oid) AS oids
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
         WHERE (NOT t.tgisinternal OR t.tgenabled <> 'O') AND c.relkind IN ('r','p','v','f') AND CASE WHEN c.oid = ANY ($2) THEN false WHEN c.relnamespace = ANY ($1) THEN true ELSE false END
         GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17 OFFSET 0) z
