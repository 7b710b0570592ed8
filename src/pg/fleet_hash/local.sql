-- Whether a node tree t mentions an object of the schemas $1: in a constant that hides OIDs in its bytes it may, elsewhere it is looked up.
t ~ ':consttype (24|220[2-6]|3734|3769|4089|4096|4191) [^{}]*\[ -?\d+ (?!(\d|[1-5]\d|6[0-3]) 0 0 0 0 0 0 \])|:consttype (1008|220[7-9]|221[01]|3735|3770|4090|4097|4192) '
OR t ~ '([^nd]|[^o]d) {user_oid}'
   AND EXISTS (SELECT FROM regexp_matches(t, ' ([1-9]\d{4,8}|[1-3]\d{9})(?!\d)', 'g') x (m) CROSS JOIN LATERAL CAST (x.m[1] AS oid) o
                WHERE EXISTS (SELECT FROM pg_type WHERE oid = o AND typnamespace = ANY ($1)) OR EXISTS (SELECT FROM pg_proc WHERE oid = o AND pronamespace = ANY ($1))
                   OR EXISTS (SELECT FROM pg_class WHERE oid = o AND relnamespace = ANY ($1)) OR EXISTS (SELECT FROM pg_operator WHERE oid = o AND oprnamespace = ANY ($1))
                   OR EXISTS (SELECT FROM pg_collation WHERE oid = o AND collnamespace = ANY ($1)) OR EXISTS (SELECT FROM pg_opfamily WHERE oid = o AND opfnamespace = ANY ($1)))
