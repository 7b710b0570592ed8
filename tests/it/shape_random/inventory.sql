-- What the schema ($1) holds, a row an object: the kind, and the parts of its name as JSON.
WITH own AS (SELECT oid FROM pg_namespace WHERE nspname = $1),
relation AS (SELECT * FROM pg_class WHERE relnamespace = (SELECT oid FROM own)),
type AS (SELECT * FROM pg_type WHERE typnamespace = (SELECT oid FROM own)),
field AS (
    SELECT c.relname, c.relkind, a.* FROM relation c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE attnum > 0 AND NOT attisdropped)
SELECT kind, parts::text FROM (
    SELECT 'table', jsonb_build_object('name', relname) FROM relation WHERE relkind IN ('r', 'p')
    UNION ALL SELECT 'partitioned', jsonb_build_object('name', relname) FROM relation WHERE relkind = 'p'
    UNION ALL SELECT 'view', jsonb_build_object('name', relname) FROM relation WHERE relkind = 'v'
    UNION ALL SELECT 'matview', jsonb_build_object('name', relname) FROM relation WHERE relkind = 'm'
    UNION ALL SELECT 'sequence', jsonb_build_object('name', relname) FROM relation WHERE relkind = 'S'
    UNION ALL SELECT CASE relispartition WHEN true THEN 'partition' ELSE 'child' END,
        jsonb_build_object('name', relname, 'parent', inhparent::regclass::text)
        FROM relation c JOIN pg_inherits ON inhrelid = c.oid WHERE relkind IN ('r', 'p')
    UNION ALL SELECT 'column', jsonb_build_object('table', relname, 'name', attname) FROM field WHERE relkind IN ('r', 'p')
    UNION ALL SELECT 'textual', jsonb_build_object('table', relname, 'name', attname)
        FROM field WHERE relkind IN ('r', 'p') AND atttypid IN ('text'::regtype, 'varchar'::regtype) AND attgenerated = ''
    UNION ALL SELECT 'number', jsonb_build_object('table', relname, 'name', attname)
        FROM field WHERE relkind IN ('r', 'p') AND atttypid IN ('int4'::regtype, 'int8'::regtype)
    UNION ALL SELECT 'identity', jsonb_build_object('table', relname, 'name', attname) FROM field WHERE attidentity <> ''
    UNION ALL SELECT 'generated', jsonb_build_object('table', relname, 'name', attname) FROM field WHERE attgenerated <> ''
    UNION ALL SELECT 'viewcolumn', jsonb_build_object('view', relname, 'name', attname) FROM field WHERE relkind = 'v'
    UNION ALL SELECT 'attribute', jsonb_build_object('type', relname, 'name', attname) FROM field WHERE relkind = 'c'
    UNION ALL SELECT 'constraint', jsonb_build_object('table', relname, 'name', conname)
        FROM relation c JOIN pg_constraint ON conrelid = c.oid WHERE contype IN ('c', 'f', 'p', 'u', 'x')
    UNION ALL SELECT 'foreign', jsonb_build_object('table', relname, 'name', conname)
        FROM relation c JOIN pg_constraint ON conrelid = c.oid WHERE contype = 'f'
    UNION ALL SELECT 'unique', jsonb_build_object('table', relname, 'name', conname)
        FROM relation c JOIN pg_constraint ON conrelid = c.oid WHERE contype IN ('p', 'u')
    UNION ALL SELECT 'notnull', jsonb_build_object('table', relname, 'name', conname)
        FROM relation c JOIN pg_constraint ON conrelid = c.oid WHERE contype = 'n'
    UNION ALL SELECT 'index', jsonb_build_object('table', c.relname, 'name', i.relname)
        FROM relation c JOIN pg_index ON indrelid = c.oid JOIN relation i ON i.oid = indexrelid
        WHERE c.relkind IN ('r', 'p', 'm')
    UNION ALL SELECT 'trigger', jsonb_build_object('table', relname, 'name', tgname)
        FROM relation c JOIN pg_trigger ON tgrelid = c.oid WHERE NOT tgisinternal
    UNION ALL SELECT 'rule', jsonb_build_object('table', relname, 'name', rulename)
        FROM relation c JOIN pg_rewrite ON ev_class = c.oid WHERE rulename <> '_RETURN'
    UNION ALL SELECT 'policy', jsonb_build_object('table', relname, 'name', polname)
        FROM relation c JOIN pg_policy ON polrelid = c.oid
    UNION ALL SELECT 'statistics', jsonb_build_object('name', stxname)
        FROM pg_statistic_ext WHERE stxnamespace = (SELECT oid FROM own)
    UNION ALL SELECT 'routine', jsonb_build_object('name', format('%I(%s)', proname, pg_get_function_identity_arguments(oid)))
        FROM pg_proc WHERE pronamespace = (SELECT oid FROM own)
    UNION ALL SELECT 'triggerfunction', jsonb_build_object('name', proname)
        FROM pg_proc WHERE pronamespace = (SELECT oid FROM own) AND prorettype = 'trigger'::regtype
    UNION ALL SELECT 'enum', jsonb_build_object('name', typname) FROM type WHERE typtype = 'e'
    UNION ALL SELECT 'label', jsonb_build_object('enum', typname, 'name', enumlabel)
        FROM type t JOIN pg_enum ON enumtypid = t.oid
    UNION ALL SELECT 'domain', jsonb_build_object('name', typname) FROM type WHERE typtype = 'd'
    UNION ALL SELECT 'domainconstraint', jsonb_build_object('domain', typname, 'name', conname)
        FROM type t JOIN pg_constraint ON contypid = t.oid WHERE contype = 'c'
    UNION ALL SELECT 'composite', jsonb_build_object('name', relname) FROM relation WHERE relkind = 'c'
) AS object (kind, parts)
ORDER BY kind, parts::text COLLATE "C"
