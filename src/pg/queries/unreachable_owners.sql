-- $1: roles. Those that don't exist, or that the connecting role can't become.
SELECT o.name, r.oid IS NOT NULL
  FROM pg_catalog.unnest($1::text[]) AS o (name) LEFT JOIN pg_catalog.pg_roles r ON r.rolname = o.name
 -- Since 16 a member may be one without SET, who can't become the role.
 WHERE r.oid IS NULL
    OR NOT pg_catalog.pg_has_role(r.oid, CASE WHEN pg_catalog.current_setting('server_version_num')::int4 >= 160000
                                              THEN 'SET' ELSE 'MEMBER' END)
 ORDER BY o.name
