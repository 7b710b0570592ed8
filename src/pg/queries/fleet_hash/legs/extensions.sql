-- What depends on an extension that it isn't part of.
SELECT ROW(22, class, a, b, extname) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, args AS nm, nss, NULL::oid[] AS oids
  FROM (SELECT x.classid AS class, COALESCE(c.relname, p.proname) AS a, t.tgname AS b, x.extname,
               CASE WHEN p.pronamespace = ANY ($1) THEN pg_get_function_identity_arguments(p.oid) END AS args, array_agg(n.oid) AS nss
          FROM (SELECT d.classid, d.objid, e.extname
                  FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
                 WHERE d.deptype = 'x' OFFSET 0) x
          LEFT JOIN pg_proc p ON x.classid = 'pg_proc'::regclass AND p.oid = x.objid
          LEFT JOIN pg_trigger t ON x.classid = 'pg_trigger'::regclass AND t.oid = x.objid
          LEFT JOIN pg_class c ON c.oid = CASE WHEN x.classid = 'pg_class'::regclass THEN x.objid ELSE t.tgrelid END
          JOIN ns n ON n.oid = COALESCE(c.relnamespace, p.pronamespace)
         WHERE CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
         GROUP BY 1,2,3,4,5 OFFSET 0) z
