-- Functions, procedures and what aggregates share with them. Constructors of ranges belong to their types.
SELECT ROW(8, proname, prokind, prolang, procost, prorows, prosupport, prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel,
           pronargs, pronargdefaults, argtypes, rettype, proargmodes, proargnames, owner, probin, prosrc, proconfig,
           CASE WHEN proacl IS NOT NULL THEN (
             SELECT NULLIF(COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0), ''),
                           COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1), ''))
               FROM (SELECT d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'),
                                         COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable)
                       FROM (SELECT 0, x.* FROM aclexplode(proacl) x
                             UNION ALL
                             SELECT 1, x.* FROM aclexplode(acldefault('f', COALESCE(owner, nspowner))) x) a (d)) e (d, i)) END) AS r,
       NULL::int8 AS t0, NULL::int8 AS t1, deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT p.proname, p.prokind, p.prolang, p.procost, p.prorows, CASE WHEN p.prosupport <> 0 THEN p.prosupport::text END AS prosupport,
               p.prosecdef, p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.pronargs, p.pronargdefaults,
               CASE WHEN NOT v.named THEN concat_ws('/', p.proargtypes::text, COALESCE(p.proallargtypes::text, '-'), COALESCE(p.protrftypes::text, '-')) END AS argtypes,
               CASE WHEN NOT v.named THEN p.prorettype END AS rettype, p.proargmodes, p.proargnames, NULLIF(p.proowner, n.nspowner) AS owner,
               p.probin, CASE WHEN NOT v.own THEN p.prosrc END AS prosrc, CASE WHEN NOT v.own THEN p.proconfig END AS proconfig, p.proacl,
               CASE WHEN p.proacl IS NOT NULL THEN n.nspowner END AS nspowner, v.named OR v.own AS deparsed,
               array_agg(n.oid) AS nss, array_agg(p.oid) AS oids
          FROM ns n JOIN pg_proc p ON p.pronamespace = n.oid AND NOT (p.prolang = 12 AND p.prosrc LIKE '%range\_constructor_')
         CROSS JOIN LATERAL (
           SELECT p.pronargdefaults > 0 OR p.prosqlbody IS NOT NULL OR p.prorettype >= 16384
                  OR concat(p.proargtypes::text, p.proallargtypes::text, p.protrftypes::text) ~ '{user_oid}' AS named,
                  strpos(p.prosrc, n.nspname) > 0 AND p.prosrc ~ n.word
                  OR strpos(COALESCE(p.proconfig::text, ''), n.nspname) > 0 AND p.proconfig::text ~ n.word AS own) v
         GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25 OFFSET 0) z
