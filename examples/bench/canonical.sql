WITH ns AS MATERIALIZED (SELECT oid, nspname, quote_ident(nspname) || '.' AS q FROM pg_namespace WHERE nspname = $1),
rel AS MATERIALIZED (SELECT c.oid, c.relname, c.relkind, n.oid AS ns, n.q, c.reloptions, c.relpersistence FROM ns n CROSS JOIN LATERAL (SELECT DISTINCT objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid AND classid = 'pg_class'::regclass) x JOIN pg_class c ON c.oid = x.objid WHERE c.relkind IN ('r','p','v','m','f','S')),
lines AS (
 SELECT ns, 'r|' || relname || '|' || relkind::text || relpersistence::text || coalesce(reloptions::text,'') AS l FROM rel
 UNION ALL
 SELECT r.ns, 'c|' || r.relname || '|' || a.attname || '|' || replace(format_type(a.atttypid, a.atttypmod), r.q, '') || '|' || a.attnotnull::text || a.attidentity::text || a.attgenerated::text || '|' || coalesce(replace(pg_get_expr(d.adbin, d.adrelid), r.q, ''), '')
   FROM rel r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE r.relkind <> 'S'
 UNION ALL
 SELECT r.ns, 'k|' || r.relname || '|' || k.conname || '|' || replace(pg_get_constraintdef(k.oid), r.q, '') FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid
 UNION ALL
 SELECT r.ns, 'i|' || replace(pg_get_indexdef(i.indexrelid), r.q, '') || i.indisvalid::text FROM rel r JOIN pg_index i ON i.indrelid = r.oid
 UNION ALL
 SELECT r.ns, 't|' || replace(pg_get_triggerdef(t.oid), r.q, '') || t.tgenabled::text FROM rel r JOIN pg_trigger t ON t.tgrelid = r.oid AND NOT t.tgisinternal
 UNION ALL
 SELECT n.oid, 'f|' || replace(pg_get_functiondef(p.oid), n.q, '') FROM ns n CROSS JOIN LATERAL (SELECT DISTINCT objid FROM pg_depend WHERE refclassid = 'pg_namespace'::regclass AND refobjid = n.oid AND classid = 'pg_proc'::regclass) x JOIN pg_proc p ON p.oid = x.objid AND p.prokind IN ('f','p')
 UNION ALL
 SELECT r.ns, 'd|' || r.relname || '|' || s.objsubid::text || '|' || s.description FROM rel r JOIN pg_description s ON s.objoid = r.oid AND s.classoid = 'pg_class'::regclass
)
SELECT n.nspname, count(*) AS n, encode(sha256(convert_to(string_agg(l, E'\n' ORDER BY l COLLATE "C"), 'UTF8')), 'hex') AS fp
FROM lines JOIN ns n ON n.oid = lines.ns GROUP BY n.nspname
