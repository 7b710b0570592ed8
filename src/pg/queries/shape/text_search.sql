SELECT 'text search object', 'configuration ' || quote_ident(c.cfgname), 'pg_ts_config'::regclass::oid, c.oid, 0,
       concat_ws(E'\n',
         'PARSER ' || (SELECT {qualified:p:prs:ts_parser} FROM pg_ts_parser p WHERE p.oid = c.cfgparser),
         (SELECT string_agg(concat('MAPPING FOR ', k.alias, ' WITH ', k.dictionaries), E'\n' ORDER BY k.alias COLLATE "C")
            FROM (SELECT y.alias, string_agg(m.mapdict::regdictionary::text, ', ' ORDER BY m.mapseqno) AS dictionaries
                    FROM pg_ts_config_map m JOIN ts_token_type(c.cfgparser) y ON y.tokid = m.maptokentype
                   WHERE m.mapcfg = c.oid GROUP BY y.alias) k)),
       NULL::text, NULL::text, c.cfgowner, NULL::aclitem[], NULL::"char"
  FROM own o JOIN pg_ts_config c ON c.oid = o.oid
 WHERE o.class = 'pg_ts_config'::regclass AND c.cfgnamespace = s.oid
UNION ALL
SELECT 'text search object', 'dictionary ' || quote_ident(d.dictname), 'pg_ts_dict'::regclass, d.oid, 0,
       concat_ws(E'\n', 'TEMPLATE ' || (SELECT {qualified:t:tmpl:ts_template} FROM pg_ts_template t WHERE t.oid = d.dicttemplate),
         d.dictinitoption),
       NULL, NULL, d.dictowner, NULL, NULL
  FROM own o JOIN pg_ts_dict d ON d.oid = o.oid
 WHERE o.class = 'pg_ts_dict'::regclass AND d.dictnamespace = s.oid
UNION ALL
SELECT 'text search object', 'parser ' || quote_ident(p.prsname), 'pg_ts_parser'::regclass, p.oid, 0,
       concat_ws(' ', 'START', p.prsstart::regprocedure, 'GETTOKEN', p.prstoken::regprocedure, 'END', p.prsend::regprocedure,
         'LEXTYPES', p.prslextype::regprocedure, 'HEADLINE ' || NULLIF(p.prsheadline, 0)::regprocedure),
       NULL, NULL, NULL, NULL, NULL
  FROM own o JOIN pg_ts_parser p ON p.oid = o.oid
 WHERE o.class = 'pg_ts_parser'::regclass AND p.prsnamespace = s.oid
UNION ALL
SELECT 'text search object', 'template ' || quote_ident(t.tmplname), 'pg_ts_template'::regclass, t.oid, 0,
       concat_ws(' ', 'INIT ' || NULLIF(t.tmplinit, 0)::regprocedure, 'LEXIZE', t.tmpllexize::regprocedure),
       NULL, NULL, NULL, NULL, NULL
  FROM own o JOIN pg_ts_template t ON t.oid = o.oid
 WHERE o.class = 'pg_ts_template'::regclass AND t.tmplnamespace = s.oid
