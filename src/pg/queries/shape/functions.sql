-- A body in quotes is kept as written, and so are settings; one without is deparsed.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
       quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')', 'pg_proc'::regclass::oid, p.oid, 0,
       concat_ws(E'\n',
         '(' || pg_get_function_arguments(p.oid) || ')', 'RETURNS ' || pg_get_function_result(p.oid),
         'LANGUAGE ' || (SELECT quote_ident(l.lanname) FROM pg_language l WHERE l.oid = p.prolang),
         (SELECT 'TRANSFORM ' || string_agg('FOR TYPE ' || format_type(f.type, NULL), ', ' ORDER BY f.n)
            FROM unnest(p.protrftypes) WITH ORDINALITY f (type, n)),
         CASE WHEN p.prokind = 'w' THEN 'WINDOW' END,
         CASE p.provolatile WHEN 'i' THEN 'IMMUTABLE' WHEN 's' THEN 'STABLE' END,
         CASE WHEN p.proisstrict THEN 'STRICT' END,
         CASE WHEN p.prosecdef THEN 'SECURITY DEFINER' END,
         CASE WHEN p.proleakproof THEN 'LEAKPROOF' END,
         CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' END,
         'COST ' || p.procost, CASE WHEN p.proretset THEN 'ROWS ' || p.prorows END,
         'SUPPORT ' || NULLIF(p.prosupport, 0)::regproc,
         {extensions:proc:p.oid},
         'AS ' || quote_literal(p.probin),
         pg_get_function_sqlbody(p.oid)),
       (SELECT string_agg('SET ' || c.setting, E'\n' ORDER BY c.setting COLLATE "C") FROM unnest(p.proconfig) c (setting)),
       CASE WHEN p.prosqlbody IS NULL THEN p.prosrc END,
       p.proowner, p.proacl, 'f'::"char"
  FROM own o JOIN pg_proc p ON p.oid = o.oid
 WHERE o.class = 'pg_proc'::regclass AND p.pronamespace = s.oid AND p.prokind <> 'a'
   -- Constructors of a range type come and go with it.
   AND NOT EXISTS (SELECT FROM pg_depend d
                    WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.refclassid = 'pg_type'::regclass
                      AND d.deptype = 'i')
UNION ALL
SELECT 'aggregate', quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')', 'pg_proc'::regclass, p.oid, 0,
       concat_ws(E'\n',
         '(' || pg_get_function_arguments(p.oid) || ')', 'RETURNS ' || pg_get_function_result(p.oid),
         CASE a.aggkind WHEN 'n' THEN NULL ELSE concat('ORDERED ', a.aggkind, ' ', a.aggnumdirectargs) END,
         CASE WHEN p.proisstrict THEN 'STRICT' END,
         CASE p.proparallel WHEN 's' THEN 'PARALLEL SAFE' WHEN 'r' THEN 'PARALLEL RESTRICTED' END,
         concat_ws(' ', 'SFUNC', a.aggtransfn::regprocedure, 'STYPE', format_type(a.aggtranstype, NULL), 'SSPACE', a.aggtransspace),
         'FINALFUNC ' || NULLIF(a.aggfinalfn, 0)::regprocedure || CASE WHEN a.aggfinalextra THEN ' EXTRA' ELSE '' END
                      || concat(' MODIFY ', a.aggfinalmodify),
         'COMBINEFUNC ' || NULLIF(a.aggcombinefn, 0)::regprocedure,
         'SERIALFUNC ' || NULLIF(a.aggserialfn, 0)::regprocedure,
         'DESERIALFUNC ' || NULLIF(a.aggdeserialfn, 0)::regprocedure,
         'INITCOND ' || quote_literal(a.agginitval),
         CASE WHEN a.aggmtransfn <> 0 THEN concat_ws(' ', 'MSFUNC', a.aggmtransfn::regprocedure,
           'MINVFUNC', a.aggminvtransfn::regprocedure, 'MSTYPE', format_type(a.aggmtranstype, NULL), 'MSSPACE', a.aggmtransspace) END,
         'MFINALFUNC ' || NULLIF(a.aggmfinalfn, 0)::regprocedure || CASE WHEN a.aggmfinalextra THEN ' EXTRA' ELSE '' END
                       || concat(' MODIFY ', a.aggmfinalmodify),
         'MINITCOND ' || quote_literal(a.aggminitval),
         'SORTOP ' || NULLIF(a.aggsortop, 0)::regoperator),
       NULL, NULL, p.proowner, p.proacl, 'f'
  FROM own o JOIN pg_proc p ON p.oid = o.oid JOIN pg_aggregate a ON a.aggfnoid = p.oid
 WHERE o.class = 'pg_proc'::regclass AND p.pronamespace = s.oid
