-- The hash over rows that name objects of their own schema, by the text that the server makes of them.
-- $1: each row's schema; $2: the object; $3: the leg; $4 and $5: the seeds.
WITH ns AS MATERIALIZED (
  SELECT oid, nspname, quote_ident(nspname) AS q, chr(1) || '.' AS m, {word} AS word FROM pg_namespace WHERE oid = ANY ($1))
SELECT ns, bit_xor(h0), bit_xor(h1) FROM (
SELECT x.ns, hashtextextended(s.txt, x.h0) AS h0, hashtextextended(s.txt, x.h1) AS h1
  FROM (SELECT ns, h0, h1, chr(2) || CASE leg
          WHEN 1 THEN (SELECT concat(pg_get_expr(c.relpartbound, 0), chr(2), format_type(NULLIF(c.reloftype, 0), NULL)) FROM pg_class c WHERE c.oid = o)
          WHEN 4 THEN (SELECT pg_get_expr(d.adbin, CASE WHEN strpos(d.adbin::text, '{VAR ') > 0 THEN d.adrelid ELSE 0 END) FROM pg_attrdef d WHERE d.oid = o)
          WHEN 5 THEN (SELECT concat(pg_get_expr(k.conbin, k.conrelid), chr(2), array_to_string(k.conexclop::regoperator[], ',')) FROM pg_constraint k WHERE k.oid = o)
          WHEN 6 THEN (SELECT concat(pg_get_expr(i.indexprs, i.indrelid), chr(2), pg_get_expr(i.indpred, i.indrelid), chr(2),
                         CASE WHEN concat(i.indclass::text, ' ', i.indcollation::text) ~ '{user_oid}' THEN
                           (SELECT string_agg(concat_ws(' ', (pg_identify_object('pg_opclass'::regclass, c.o, 0)).identity, NULLIF(c.c, 0)::regcollation), ',' ORDER BY c.n)
                              FROM ROWS FROM (unnest(i.indclass::oid[]), unnest(i.indcollation::oid[])) WITH ORDINALITY c (o, c, n)) END)
                         FROM pg_index i WHERE i.indexrelid = o)
          WHEN 7 THEN pg_get_triggerdef(o)
          WHEN 8 THEN (SELECT concat(pg_get_function_arguments(p.oid), chr(2), pg_get_function_result(p.oid), chr(2), array_to_string(p.protrftypes::regtype[], ','), chr(2),
                         pg_get_function_sqlbody(p.oid), chr(2), p.prosrc, chr(2), array_to_string(p.proconfig, chr(2))) FROM pg_proc p WHERE p.oid = o)
          WHEN 10 THEN (SELECT concat(pg_get_expr(t.typdefaultbin, 0), chr(2), CASE WHEN t.typbasetype >= 16384 THEN format_type(t.typbasetype, NULL) END, chr(2),
                          CASE WHEN t.typcollation >= 16384 THEN t.typcollation::regcollation END, chr(2),
                          CASE WHEN t.typtype = 'b' THEN concat_ws(',', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript,
                                                                   format_type(NULLIF(t.typelem, 0), NULL)) END, chr(2),
                          (SELECT concat_ws(',', format_type(g.rngsubtype, NULL), g.rngcollation::regcollation, (pg_identify_object('pg_opclass'::regclass, g.rngsubopc, 0)).identity,
                                            g.rngcanonical, g.rngsubdiff, format_type(g.rngmultitypid, NULL)) FROM pg_range g WHERE g.rngtypid = t.oid))
                          FROM pg_type t WHERE t.oid = o)
          WHEN 12 THEN (SELECT concat(pg_get_expr(p.polqual, p.polrelid), chr(2), pg_get_expr(p.polwithcheck, p.polrelid)) FROM pg_policy p WHERE p.oid = o)
          WHEN 14 THEN pg_get_partkeydef(o)
          WHEN 15 THEN array_to_string(pg_get_statisticsobjdef_expressions(o), chr(2))
          WHEN 18 THEN (SELECT CASE WHEN w.rulename = '_RETURN' THEN pg_get_viewdef(w.ev_class) ELSE pg_get_ruledef(w.oid) END FROM pg_rewrite w WHERE w.oid = o)
        END AS txt
          FROM unnest($1, $2, $3, $4, $5) u (ns, o, leg, h0, h1) OFFSET 0) x
  JOIN ns n ON n.oid = x.ns {neutral}) h
 GROUP BY ns
