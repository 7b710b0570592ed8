-- Triggers that the server made for itself are said only where somebody changed their state, and by their constraint:
-- their own names hold numbers.
SELECT 'trigger',
       quote_ident(r.relname) || '.' ||
         COALESCE((SELECT quote_ident(k.conname) || ' ' || g.tgfoid::regproc FROM pg_constraint k
                    WHERE g.tgisinternal AND k.oid = g.tgconstraint AND k.contype <> 't'),
                  quote_ident(g.tgname)),
       'pg_trigger'::regclass::oid, g.oid, 0,
       concat_ws(E'\n', CASE WHEN NOT g.tgisinternal AND g.tgparentid = 0 THEN pg_get_triggerdef(g.oid, true) END,
         CASE g.tgenabled WHEN 'O' THEN CASE WHEN g.tgparentid <> 0 THEN 'ENABLE' END WHEN 'D' THEN 'DISABLE'
                          WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END,
         {extensions:trigger:g.oid}),
       NULL::text, NULL::text, NULL::oid, NULL::aclitem[], NULL::"char"
  FROM rel r JOIN pg_trigger g ON g.tgrelid = r.oid
  LEFT JOIN pg_trigger p ON p.oid = g.tgparentid AND g.tgparentid <> 0
 WHERE r.relhastriggers
   AND (g.tgparentid = 0 AND (NOT g.tgisinternal OR g.tgenabled <> 'O') OR g.tgenabled <> p.tgenabled)
UNION ALL
SELECT 'rule', quote_ident(r.relname) || '.' || quote_ident(w.rulename), 'pg_rewrite'::regclass, w.oid, 0,
       concat_ws(E'\n', pg_get_ruledef(w.oid, true),
         CASE w.ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' WHEN 'A' THEN 'ENABLE ALWAYS' END),
       NULL, NULL, NULL, NULL, NULL
  FROM rel r JOIN pg_rewrite w ON w.ev_class = r.oid
 WHERE r.relhasrules AND w.rulename <> '_RETURN'
UNION ALL
SELECT 'policy', quote_ident(r.relname) || '.' || quote_ident(p.polname), 'pg_policy'::regclass, p.oid, 0,
       concat_ws(E'\n', CASE WHEN NOT p.polpermissive THEN 'AS RESTRICTIVE' END,
         'FOR ' || CASE p.polcmd WHEN '*' THEN 'ALL' WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE'
                                 ELSE 'DELETE' END,
         (SELECT 'TO ' || string_agg(m.name, ', ' ORDER BY m.name COLLATE "C")
            FROM (SELECT {role:u.role} AS name FROM unnest(p.polroles) u (role)) m),
         'USING (' || pg_get_expr(p.polqual, p.polrelid) || ')',
         'WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')'),
       NULL, NULL, NULL, NULL, NULL
  FROM rel r JOIN pg_policy p ON p.polrelid = r.oid
UNION ALL
SELECT 'statistics', quote_ident(x.stxname), 'pg_statistic_ext'::regclass, x.oid, 0,
       concat_ws(' ',
         (SELECT '(' || string_agg(CASE k.kind WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies' WHEN 'm' THEN 'mcv'
                                               WHEN 'e' THEN 'expressions' ELSE k.kind::text END,
                                   ', ' ORDER BY k.kind) || ')' FROM unnest(x.stxkind) k (kind)),
         'ON', (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attname)
                  FROM pg_attribute a WHERE a.attrelid = x.stxrelid AND a.attnum = ANY (x.stxkeys::int2[])),
         'AND ' || array_to_string(pg_get_statisticsobjdef_expressions(x.oid), ', '), 'FROM', x.stxrelid::regclass,
         'STATISTICS ' || NULLIF(x.stxstattarget, -1)),
       NULL, NULL, x.stxowner, NULL, NULL
  FROM own o JOIN pg_statistic_ext x ON x.oid = o.oid
 WHERE o.class = 'pg_statistic_ext'::regclass AND x.stxnamespace = s.oid
   AND NOT EXISTS (SELECT FROM pg_class h WHERE h.oid = x.stxrelid AND h.relname = ANY ($2::text[]) AND h.relnamespace = s.oid)
