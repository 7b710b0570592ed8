SELECT CASE r.relkind WHEN 'f' THEN 'foreign table' ELSE 'table' END, quote_ident(r.relname),
       'pg_class'::regclass::oid, r.oid, 0,
       concat_ws(E'\n',
         CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED' WHEN 't' THEN 'TEMPORARY' END,
         CASE WHEN r.reloftype <> 0 THEN 'OF ' || format_type(r.reloftype, NULL) END,
         (SELECT concat_ws(' ', CASE WHEN r.relispartition THEN 'PARTITION OF' ELSE 'INHERITS' END,
                           string_agg(h.inhparent::regclass::text, ', ' ORDER BY h.inhseqno),
                           pg_get_expr(r.relpartbound, r.oid),
                           CASE WHEN bool_or(h.inhdetachpending) THEN 'DETACH PENDING' END)
            FROM pg_inherits h WHERE h.inhrelid = r.oid HAVING count(*) > 0),
         CASE WHEN r.relkind = 'p' THEN 'PARTITION BY ' || pg_get_partkeydef(r.oid) END,
         (SELECT 'USING ' || quote_ident(a.amname) FROM pg_am a WHERE a.oid = r.relam),
         (SELECT concat_ws(' ', 'SERVER', quote_ident(v.srvname), 'OPTIONS (' || {options:f.ftoptions} || ')')
            FROM pg_foreign_table f JOIN pg_foreign_server v ON v.oid = f.ftserver WHERE f.ftrelid = r.oid),
         'WITH (' || {options:r.reloptions} || ')',
         (SELECT 'TOAST WITH (' || {options:t.reloptions} || ')' FROM pg_class t WHERE t.oid = r.reltoastrelid),
         (SELECT 'TABLESPACE ' || quote_ident(b.spcname) FROM pg_tablespace b WHERE b.oid = r.reltablespace),
         CASE WHEN r.relrowsecurity THEN 'ENABLE ROW LEVEL SECURITY' END,
         CASE WHEN r.relforcerowsecurity THEN 'FORCE ROW LEVEL SECURITY' END,
         CASE r.relreplident WHEN 'f' THEN 'REPLICA IDENTITY FULL' WHEN 'n' THEN 'REPLICA IDENTITY NOTHING'
                             WHEN 'i' THEN 'REPLICA IDENTITY USING INDEX' END),
       NULL::text, NULL::text, r.relowner, r.relacl, 'r'::"char"
  FROM rel r
 WHERE r.relkind IN ('r', 'p', 'f')
UNION ALL
-- Whether a materialised view is filled is a matter of its data.
SELECT CASE r.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, quote_ident(r.relname),
       'pg_class'::regclass, r.oid, 0,
       concat_ws(E'\n',
         (SELECT 'USING ' || quote_ident(a.amname) FROM pg_am a WHERE a.oid = r.relam),
         'WITH (' || {options:r.reloptions} || ')',
         (SELECT 'TOAST WITH (' || {options:t.reloptions} || ')' FROM pg_class t WHERE t.oid = r.reltoastrelid),
         (SELECT 'TABLESPACE ' || quote_ident(b.spcname) FROM pg_tablespace b WHERE b.oid = r.reltablespace),
         CASE WHEN r.relkind = 'm' THEN {extensions:class:r.oid} END,
         (SELECT '(' || string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                                     CASE WHEN a.attcollation NOT IN (0, 100)
                                          THEN 'COLLATE ' || a.attcollation::regcollation END),
                                   ', ' ORDER BY a.attnum) || ')'
            FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped),
         'AS' || E'\n' || pg_get_viewdef(r.oid, false)),
       NULL, NULL, r.relowner, r.relacl, 'r'
  FROM rel r
 WHERE r.relkind IN ('v', 'm')
UNION ALL
SELECT 'sequence', quote_ident(r.relname), 'pg_class'::regclass, r.oid, 0,
       concat_ws(' ', CASE r.relpersistence WHEN 'u' THEN 'UNLOGGED' WHEN 't' THEN 'TEMPORARY' END,
         'AS', format_type(q.seqtypid, NULL), 'START', q.seqstart, 'INCREMENT', q.seqincrement,
         'MINVALUE', q.seqmin, 'MAXVALUE', q.seqmax, 'CACHE', q.seqcache, CASE WHEN q.seqcycle THEN 'CYCLE' END,
         (SELECT concat(CASE d.deptype WHEN 'i' THEN 'IDENTITY OF ' ELSE 'OWNED BY ' END, d.refobjid::regclass, '.',
                        quote_ident(a.attname))
            FROM pg_depend d JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
           WHERE d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.objsubid = 0
             AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0)),
       NULL, NULL, r.relowner, r.relacl, 's'
  FROM rel r JOIN pg_sequence q ON q.seqrelid = r.oid
 WHERE r.relkind = 'S'
