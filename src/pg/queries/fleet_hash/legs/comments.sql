-- Comments.
SELECT ROW(17, class, a, b, sub, CASE WHEN NOT own THEN description END) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed,
       CASE WHEN own OR args IS NOT NULL THEN concat(args, chr(2), CASE WHEN own THEN description END) END AS nm, nss, NULL::oid[] AS oids
  FROM (SELECT d.class, d.a, d.b, d.args, d.sub, d.description, strpos(d.description, n.nspname) > 0 AND d.description ~ n.word AS own, array_agg(n.oid) AS nss
          FROM ns n JOIN (
            SELECT 'r' AS class, c.relnamespace AS ns, c.relname AS a, NULL::name AS b, NULL AS args, d.objsubid AS sub, d.description
              FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
             WHERE d.classoid = 'pg_class'::regclass AND CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 'y', t.typnamespace, t.typname, NULL, NULL, 0, d.description
              FROM pg_description d JOIN pg_type t ON t.oid = d.objoid WHERE d.classoid = 'pg_type'::regclass AND d.objoid >= 16384
            UNION ALL SELECT 'f', p.pronamespace, p.proname, NULL, pg_get_function_identity_arguments(p.oid), 0, d.description
              FROM pg_description d JOIN pg_proc p ON p.oid = d.objoid
             WHERE d.classoid = 'pg_proc'::regclass AND d.objoid >= 16384 AND CASE WHEN p.pronamespace = ANY ($1) THEN true ELSE false END
            UNION ALL SELECT 'k', k.connamespace, COALESCE(c.relname, t.typname), k.conname, NULL, 0, d.description
              FROM pg_description d JOIN pg_constraint k ON k.oid = d.objoid LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid
             WHERE d.classoid = 'pg_constraint'::regclass AND CASE WHEN k.conrelid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 't', c.relnamespace, c.relname, t.tgname, NULL, 0, d.description
              FROM pg_description d JOIN pg_trigger t ON t.oid = d.objoid JOIN pg_class c ON c.oid = t.tgrelid
             WHERE d.classoid = 'pg_trigger'::regclass AND CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 'p', c.relnamespace, c.relname, o.polname, NULL, 0, d.description
              FROM pg_description d JOIN pg_policy o ON o.oid = d.objoid JOIN pg_class c ON c.oid = o.polrelid
             WHERE d.classoid = 'pg_policy'::regclass AND CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 'u', c.relnamespace, c.relname, w.rulename, NULL, 0, d.description
              FROM pg_description d JOIN pg_rewrite w ON w.oid = d.objoid JOIN pg_class c ON c.oid = w.ev_class
             WHERE d.classoid = 'pg_rewrite'::regclass AND d.objoid >= 16384 AND CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 's', s.stxnamespace, s.stxname, NULL, NULL, 0, d.description
              FROM pg_description d JOIN pg_statistic_ext s ON s.oid = d.objoid
             WHERE d.classoid = 'pg_statistic_ext'::regclass AND CASE WHEN s.stxrelid = ANY ($2) THEN false ELSE true END
            UNION ALL SELECT 'n', d.objoid, NULL, NULL, NULL, 0, d.description FROM pg_description d WHERE d.classoid = 'pg_namespace'::regclass
            UNION ALL SELECT 'o', n.oid, i.type, NULL, i.identity, 0, d.description
              FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i JOIN ns n ON n.nspname = i.schema
             WHERE d.objoid >= 16384
               AND d.classoid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_constraint'::regclass, 'pg_trigger'::regclass,
                                      'pg_policy'::regclass, 'pg_rewrite'::regclass, 'pg_statistic_ext'::regclass, 'pg_namespace'::regclass)
          ) d ON d.ns = n.oid
         GROUP BY 1,2,3,4,5,6,7 OFFSET 0) z
