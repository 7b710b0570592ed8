SELECT CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite type' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range type'
                      ELSE 'base type' END,
       quote_ident(t.typname), 'pg_type'::regclass::oid, t.oid, 0,
       CASE t.typtype
         WHEN 'e' THEN (SELECT '(' || string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder) || ')'
                          FROM pg_enum e WHERE e.enumtypid = t.oid)
         WHEN 'c' THEN (SELECT '(' || string_agg(concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                                        CASE WHEN a.attcollation <> y.typcollation
                                             THEN 'COLLATE ' || a.attcollation::regcollation END),
                                      ', ' ORDER BY a.attnum) || ')'
                          FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
                         WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
         WHEN 'd' THEN (SELECT concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                                 CASE WHEN t.typcollation <> y.typcollation THEN 'COLLATE ' || t.typcollation::regcollation END,
                                 'DEFAULT ' || COALESCE(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
                                 CASE WHEN t.typnotnull THEN 'NOT NULL' END)
                          FROM pg_type y WHERE y.oid = t.typbasetype)
         WHEN 'r' THEN (SELECT concat_ws(' ', 'SUBTYPE', format_type(g.rngsubtype, NULL), 'OPCLASS', {qualified:c:opc:opclass},
                                 'COLLATION ' || NULLIF(g.rngcollation, 0)::regcollation,
                                 'CANONICAL ' || NULLIF(g.rngcanonical, 0)::regprocedure,
                                 'DIFF ' || NULLIF(g.rngsubdiff, 0)::regprocedure,
                                 'MULTIRANGE', format_type(g.rngmultitypid, NULL))
                          FROM pg_range g JOIN pg_opclass c ON c.oid = g.rngsubopc WHERE g.rngtypid = t.oid)
         ELSE CASE WHEN NOT t.typisdefined THEN 'SHELL' ELSE
           concat_ws(' ', 'INPUT', t.typinput::regprocedure, 'OUTPUT', t.typoutput::regprocedure,
             'RECEIVE ' || NULLIF(t.typreceive, 0)::regprocedure, 'SEND ' || NULLIF(t.typsend, 0)::regprocedure,
             'TYPMOD_IN ' || NULLIF(t.typmodin, 0)::regprocedure, 'TYPMOD_OUT ' || NULLIF(t.typmodout, 0)::regprocedure,
             'ANALYZE ' || NULLIF(t.typanalyze, 0)::regprocedure, 'SUBSCRIPT ' || NULLIF(t.typsubscript, 0)::regprocedure,
             'LENGTH', t.typlen, CASE WHEN t.typbyval THEN 'PASSEDBYVALUE' END, 'ALIGNMENT', t.typalign, 'STORAGE', t.typstorage,
             'CATEGORY', quote_literal(t.typcategory::text), CASE WHEN t.typispreferred THEN 'PREFERRED' END,
             'DEFAULT ' || quote_literal(t.typdefault), 'ELEMENT ' || format_type(NULLIF(t.typelem, 0), NULL),
             'DELIMITER', quote_literal(t.typdelim::text), CASE WHEN t.typcollation <> 0 THEN 'COLLATABLE' END) END
       END,
       NULL::text, NULL::text, t.typowner, t.typacl, 'T'::"char"
  FROM typ t
 WHERE t.typtype IN ('e', 'c', 'd', 'r', 'b', 'p')
UNION ALL
-- Only for their comments: what they are is in the type.
SELECT 'column', quote_ident(t.typname) || '.' || quote_ident(a.attname), 'pg_class'::regclass, t.typrelid, a.attnum::int,
       NULL, NULL, NULL, NULL, NULL, NULL
  FROM typ t JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE t.typtype = 'c'
UNION ALL
-- The version of its library is the machine's, not the schema's.
SELECT 'collation', quote_ident(c.collname), 'pg_collation'::regclass, c.oid, 0,
       concat_ws(' ', 'PROVIDER', CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'c' THEN 'libc' WHEN 'b' THEN 'builtin'
                                                      ELSE c.collprovider::text END,
         'LC_COLLATE ' || quote_literal(c.collcollate), 'LC_CTYPE ' || quote_literal(c.collctype),
         'LOCALE ' || quote_literal({collation_locale}::text), 'RULES ' || quote_literal({collation_rules}::text),
         CASE WHEN NOT c.collisdeterministic THEN 'NOT DETERMINISTIC' END),
       NULL, NULL, c.collowner, NULL, NULL
  FROM own o JOIN pg_collation c ON c.oid = o.oid
 WHERE o.class = 'pg_collation'::regclass AND c.collnamespace = s.oid
