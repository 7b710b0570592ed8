-- What the constraint in front of an index says isn't repeated here. An operator class is left out where it is the
-- default of just the column's type, a collation where it is the column's own.
SELECT 'index', quote_ident(c.relname), 'pg_class'::regclass::oid, c.oid, 0,
       NULLIF(concat_ws(' ',
         CASE WHEN k.oid IS NULL THEN concat_ws(' ',
           CASE WHEN i.indisunique THEN 'UNIQUE' END,
           'ON', r.oid::regclass, 'USING', (SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.relam),
           '(' || x.keys || ')', 'INCLUDE (' || x.included || ')',
           CASE WHEN {nulls_not_distinct} THEN 'NULLS NOT DISTINCT' END,
           CASE WHEN i.indpred IS NOT NULL THEN 'WHERE ' || pg_get_expr(i.indpred, i.indrelid) END) END,
         CASE WHEN c.reloptions IS NOT NULL THEN 'WITH (' || {options:c.reloptions} || ')' END,
         x.statistics,
         (SELECT 'TABLESPACE ' || quote_ident(b.spcname) FROM pg_tablespace b WHERE b.oid = c.reltablespace),
         CASE WHEN c.relispartition THEN
           (SELECT 'PARTITION OF ' || h.inhparent::regclass FROM pg_inherits h WHERE h.inhrelid = c.oid) END,
         CASE WHEN i.indisclustered THEN 'CLUSTER' END,
         CASE WHEN i.indisreplident THEN 'REPLICA IDENTITY' END,
         CASE WHEN NOT (i.indisvalid AND i.indisready AND i.indislive) THEN 'INVALID' END,
         {extensions:class:c.oid}), ''),
       NULL::text, NULL::text, NULL::oid, NULL::aclitem[], NULL::"char"
  FROM rel r
  JOIN pg_index i ON i.indrelid = r.oid
  JOIN pg_class c ON c.oid = i.indexrelid
  LEFT JOIN pg_constraint k ON k.conindid = c.oid AND k.conrelid = r.oid AND k.contype IN ('p', 'u', 'x')
 CROSS JOIN LATERAL (
    SELECT string_agg(concat_ws(' ',
             COALESCE(quote_ident(e.attname), pg_get_indexdef(i.indexrelid, a.attnum, false)),
             CASE WHEN a.attcollation NOT IN (0, COALESCE(e.attcollation, 100)) THEN
               'COLLATE ' || a.attcollation::regcollation END,
             CASE WHEN NOT o.opcdefault OR o.opcintype <> a.atttypid OR a.attoptions IS NOT NULL THEN
               {qualified:o:opc:opclass} END,
             CASE WHEN a.attoptions IS NOT NULL THEN '(' || {options:a.attoptions} || ')' END,
             CASE i.indoption[a.attnum - 1] WHEN 1 THEN 'DESC NULLS LAST' WHEN 2 THEN 'NULLS FIRST' WHEN 3 THEN 'DESC' END),
             ', ' ORDER BY a.attnum) FILTER (WHERE a.attnum <= i.indnkeyatts) AS keys,
           string_agg(quote_ident(e.attname), ', ' ORDER BY a.attnum) FILTER (WHERE a.attnum > i.indnkeyatts) AS included,
           string_agg('STATISTICS ' || NULLIF(a.attstattarget, -1) || ' OF ' || a.attnum, ' ' ORDER BY a.attnum) AS statistics
      FROM pg_attribute a
      LEFT JOIN pg_attribute e ON e.attrelid = i.indrelid AND e.attnum = i.indkey[a.attnum - 1] AND e.attnum <> 0
      LEFT JOIN pg_opclass o ON o.oid = i.indclass[a.attnum - 1] AND a.attnum <= i.indnkeyatts
     WHERE a.attrelid = i.indexrelid AND a.attnum > 0) x
 WHERE r.relkind IN ('r', 'p', 'm')
