-- What marks objects from outside: publications, security labels, extensions they belong to.
SELECT ROW(20, e.kind) AS r, NULL::int8 AS t0, NULL::int8 AS t1, false AS deparsed, e.nm, ARRAY[n.oid] AS nss, NULL::oid[] AS oids
  FROM ns n JOIN (
   SELECT 'publication' AS kind, c.relnamespace AS ns, concat_ws(chr(2), c.relname, p.pubname{publication_details}) AS nm
     FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid JOIN pg_class c ON c.oid = r.prrelid
    WHERE CASE WHEN c.oid = ANY ($2) THEN false ELSE true END
   {published_schemas}
   UNION ALL SELECT 'label', n.oid, concat_ws(chr(2), i.type, i.identity, l.objsubid, l.provider, l.label)
     FROM pg_seclabel l CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i
     JOIN ns n ON n.nspname = i.schema OR l.classoid = 'pg_namespace'::regclass AND l.objoid = n.oid
   UNION ALL SELECT 'extension', m.ns, concat_ws(chr(2), i.type, i.identity, x.extname)
     FROM pg_extension x JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid AND d.deptype = 'e'
    CROSS JOIN LATERAL (SELECT CASE d.classid
        WHEN 'pg_namespace'::regclass THEN d.objid
        WHEN 'pg_class'::regclass THEN (SELECT relnamespace FROM pg_class WHERE oid = d.objid)
        WHEN 'pg_proc'::regclass THEN (SELECT pronamespace FROM pg_proc WHERE oid = d.objid)
        WHEN 'pg_type'::regclass THEN (SELECT typnamespace FROM pg_type WHERE oid = d.objid)
        ELSE (SELECT s.oid FROM pg_identify_object(d.classid, d.objid, d.objsubid) o JOIN pg_namespace s ON s.nspname = o.schema) END OFFSET 0) m (ns)
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) i
    WHERE CASE WHEN m.ns = ANY ($1) THEN true ELSE false END
   UNION ALL SELECT 'schema of extension', x.extnamespace, x.extname FROM pg_extension x
  ) e ON e.ns = n.oid
