-- $1: installed extensions whose declared version differs.
SELECT e.extname::text, p.target
  FROM pg_catalog.pg_extension e, LATERAL pg_catalog.pg_extension_update_paths(e.extname) p
 WHERE e.extname = ANY ($1::text[]) AND p.source = e.extversion AND p.path IS NOT NULL
