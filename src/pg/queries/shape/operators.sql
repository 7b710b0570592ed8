SELECT 'operator',
       concat(q.oprname, '(', CASE WHEN q.oprleft = 0 THEN 'none' ELSE format_type(q.oprleft, NULL) END, ', ',
              format_type(q.oprright, NULL), ')'),
       'pg_operator'::regclass::oid, q.oid, 0,
       CASE WHEN q.oprcode = 0 THEN 'SHELL' ELSE
         concat_ws(' ', 'FUNCTION', q.oprcode::regprocedure,
           'COMMUTATOR ' || NULLIF(q.oprcom, 0)::regoperator, 'NEGATOR ' || NULLIF(q.oprnegate, 0)::regoperator,
           'RESTRICT ' || NULLIF(q.oprrest, 0)::regprocedure, 'JOIN ' || NULLIF(q.oprjoin, 0)::regprocedure,
           CASE WHEN q.oprcanhash THEN 'HASHES' END, CASE WHEN q.oprcanmerge THEN 'MERGES' END) END,
       NULL::text, NULL::text, q.oprowner, NULL::aclitem[], NULL::"char"
  FROM own o JOIN pg_operator q ON q.oid = o.oid
 WHERE o.class = 'pg_operator'::regclass AND q.oprnamespace = s.oid
UNION ALL
-- A class says its own members, a family all of them.
SELECT 'operator class', quote_ident(c.opcname) || ' USING ' || (SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = c.opcmethod),
       'pg_opclass'::regclass, c.oid, 0,
       concat_ws(E'\n', CASE WHEN c.opcdefault THEN 'DEFAULT' END, 'FOR TYPE ' || format_type(c.opcintype, NULL),
         'FAMILY ' || (SELECT {qualified:f:opf:opfamily} FROM pg_opfamily f WHERE f.oid = c.opcfamily),
         'STORAGE ' || format_type(NULLIF(c.opckeytype, 0), NULL),
         {members:c.opcfamily:AND m.lefttype = c.opcintype AND m.righttype = c.opcintype}),
       NULL, NULL, c.opcowner, NULL, NULL
  FROM own o JOIN pg_opclass c ON c.oid = o.oid
 WHERE o.class = 'pg_opclass'::regclass AND c.opcnamespace = s.oid
UNION ALL
SELECT 'operator family', quote_ident(f.opfname) || ' USING ' || (SELECT quote_ident(m.amname) FROM pg_am m WHERE m.oid = f.opfmethod),
       'pg_opfamily'::regclass, f.oid, 0,
       concat_ws(E'\n', {members:f.oid:}),
       NULL, NULL, f.opfowner, NULL, NULL
  FROM own o JOIN pg_opfamily f ON f.oid = o.oid
 WHERE o.class = 'pg_opfamily'::regclass AND f.opfnamespace = s.oid
UNION ALL
-- A cast belongs to no schema: these use a type or a function of this one.
SELECT 'cast', format_type(c.castsource, NULL) || ' AS ' || format_type(c.casttarget, NULL), 'pg_cast'::regclass, c.oid, 0,
       concat_ws(' ', CASE c.castmethod WHEN 'f' THEN 'WITH FUNCTION ' || c.castfunc::regprocedure
                                        WHEN 'i' THEN 'WITH INOUT' ELSE 'WITHOUT FUNCTION' END,
         CASE c.castcontext WHEN 'a' THEN 'AS ASSIGNMENT' WHEN 'i' THEN 'AS IMPLICIT' END),
       NULL, NULL, NULL, NULL, NULL
  FROM dependent d JOIN pg_cast c ON c.oid = d.oid
 WHERE d.class = 'pg_cast'::regclass
   -- That of a range to its multirange comes with it.
   AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = d.class AND i.objid = d.oid AND i.deptype = 'i')
UNION ALL
SELECT 'conversion', quote_ident(c.conname), 'pg_conversion'::regclass, c.oid, 0,
       concat_ws(' ', CASE WHEN c.condefault THEN 'DEFAULT' END, 'FOR', pg_encoding_to_char(c.conforencoding),
         'TO', pg_encoding_to_char(c.contoencoding), 'FROM', c.conproc::regprocedure),
       NULL, NULL, c.conowner, NULL, NULL
  FROM own o JOIN pg_conversion c ON c.oid = o.oid
 WHERE o.class = 'pg_conversion'::regclass AND c.connamespace = s.oid
UNION ALL
-- What an operator or a function of this schema does in a family of another one.
SELECT '?', pg_describe_object(d.class, d.oid, 0), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL
  FROM dependent d
  JOIN pg_opfamily f ON f.oid = COALESCE(
         (SELECT a.amopfamily FROM pg_amop a WHERE a.oid = d.oid AND d.class = 'pg_amop'::regclass),
         (SELECT p.amprocfamily FROM pg_amproc p WHERE p.oid = d.oid AND d.class = 'pg_amproc'::regclass))
 WHERE d.class IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND f.opfnamespace <> s.oid
   AND NOT EXISTS (SELECT FROM pg_depend e
                    WHERE e.classid = d.class AND e.objid = d.oid AND e.refclassid = 'pg_opclass'::regclass)
