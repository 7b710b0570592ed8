-- Whether a node tree t mentions an object of the schemas $1: in a constant that hides OIDs in its bytes it may, elsewhere it is looked up.
t ~ ':consttype (24|220[2-6]|3734|3769|4089|4096|4191) [^{}]*\[ -?\d+ (?!(\d|[1-5]\d|6[0-3]) 0 0 0 0 0 0 \])|:consttype (1008|220[7-9]|221[01]|3735|3770|4090|4097|4192) '
OR t ~ '([^nd]|[^o]d) {user_oid}'
   AND (SELECT bool_or(n.ns = ANY ($1))
          FROM regexp_matches(t, ' ([1-9]\d{4,8}|[1-3]\d{9})(?!\d)', 'g') x (m) CROSS JOIN LATERAL CAST (x.m[1] AS oid) o
         CROSS JOIN LATERAL (SELECT typnamespace FROM pg_type WHERE oid = o UNION ALL SELECT pronamespace FROM pg_proc WHERE oid = o
                             UNION ALL SELECT relnamespace FROM pg_class WHERE oid = o UNION ALL SELECT oprnamespace FROM pg_operator WHERE oid = o
                             UNION ALL SELECT collnamespace FROM pg_collation WHERE oid = o UNION ALL SELECT opfnamespace FROM pg_opfamily WHERE oid = o) n (ns)) IS TRUE
