-- The schema itself, which is no object of its own.
SELECT NULL::text, 'schema', 'pg_namespace'::regclass::oid, s.oid, 0, NULL::text, NULL::text, NULL::text,
       s.nspowner, s.nspacl, 'n'::"char"
UNION ALL
-- What it gives to objects that are made in it later. These are additions to the server's own defaults.
SELECT 'default privileges',
       CASE d.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                            WHEN 'T' THEN 'types' ELSE d.defaclobjtype::text END || ' of ' || {role:d.defaclrole},
       'pg_default_acl'::regclass, d.oid, 0, NULL, NULL, NULL, d.defaclrole, d.defaclacl, NULL
  FROM own o JOIN pg_default_acl d ON d.oid = o.oid
 WHERE o.class = 'pg_default_acl'::regclass
UNION ALL
-- What this program has no words for.
SELECT '?', pg_describe_object(u.class, u.oid, 0), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL
  FROM (SELECT o.class, o.oid FROM own o
        UNION SELECT d.class, d.oid FROM dependent d) u
 WHERE u.class NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_proc'::regclass, 'pg_attrdef'::regclass,
                       'pg_constraint'::regclass, 'pg_rewrite'::regclass, 'pg_trigger'::regclass,
                       'pg_policy'::regclass, 'pg_statistic_ext'::regclass, 'pg_cast'::regclass,
                       'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass,
                       'pg_amop'::regclass, 'pg_amproc'::regclass, 'pg_collation'::regclass,
                       'pg_conversion'::regclass, 'pg_ts_config'::regclass, 'pg_ts_dict'::regclass,
                       'pg_ts_parser'::regclass, 'pg_ts_template'::regclass, 'pg_default_acl'::regclass,
                       'pg_publication_rel'::regclass{published_schema_class})
UNION ALL
SELECT '?', pg_describe_object('pg_class'::regclass, r.oid, 0), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL
  FROM rel r
 WHERE r.relkind NOT IN ('r', 'p', 'f', 'v', 'm', 'S')
UNION ALL
SELECT '?', pg_describe_object('pg_type'::regclass, t.oid, 0), NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL
  FROM typ t
 WHERE t.typtype NOT IN ('e', 'c', 'd', 'r', 'b', 'p')
