-- Policies of row security.
SELECT ROW(12, relname, polname, polcmd, polpermissive, roles, q, w) AS r, t0, t1, false AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT c.relname, o.polname, o.polcmd, o.polpermissive, array_replace(o.polroles, n.nspowner, 4294967295) AS roles,
               o.polqual IS NULL AS q, o.polwithcheck IS NULL AS w,
               CASE WHEN o.polqual IS NOT NULL OR o.polwithcheck IS NOT NULL THEN hashtextextended(concat(o.polqual::text, o.polwithcheck::text), 0) END AS t0,
               CASE WHEN o.polqual IS NOT NULL OR o.polwithcheck IS NOT NULL THEN hashtextextended(concat(o.polqual::text, o.polwithcheck::text), 1) END AS t1,
               array_agg(n.oid) AS nss, array_agg(o.oid) AS oids
          FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid JOIN ns n ON n.oid = c.relnamespace
         WHERE CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
         GROUP BY 1,2,3,4,5,6,7,8,9 OFFSET 0) z
