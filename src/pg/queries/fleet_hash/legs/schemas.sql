-- The schema itself without what its readers were granted, and default privileges.
SELECT ROW(16, role, objtype, CASE WHEN acl IS NOT NULL THEN (
             SELECT COALESCE(string_agg(e.i, ',' ORDER BY e.i COLLATE "C"), '')
               FROM (SELECT concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'),
                                      COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable)
                       FROM aclexplode(acl)
                      WHERE NOT (objtype = 'n' AND privilege_type = 'USAGE' AND NOT is_grantable AND grantee = ANY ($3))) e (i)) END) AS r,
       NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, NULL::text AS nm, nss, NULL::oid[] AS oids
  FROM (SELECT role, objtype, nspowner, acl, array_agg(ns) AS nss
          FROM (SELECT oid AS ns, NULL::oid AS role, 'n'::"char" AS objtype, nspowner, COALESCE(nspacl, acldefault('n', nspowner)) AS acl FROM ns
                UNION ALL
                -- Unlike the first by its kind: the same letter in upper case.
                SELECT n.oid, NULLIF(d.defaclrole, n.nspowner), upper(d.defaclobjtype::text)::"char", n.nspowner, d.defaclacl
                  FROM ns n JOIN pg_default_acl d ON d.defaclnamespace = n.oid) y
         GROUP BY 1,2,3,4 OFFSET 0) z
