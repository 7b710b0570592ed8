-- What makes each object of the schema ($1) again that holds a parsed expression, from the text pg_dump would write of
-- it: a row an object, the statements and a query ("frame") of all that must come out as it was. The search path is ''.
WITH RECURSIVE relation AS (
    SELECT c.* FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1
      AND d.deptype = 'n' AND c.relkind IN ('r', 'p', 'v', 'm', 'f')),
lineage (oid, depth) AS (
    SELECT oid, 0 FROM relation
    UNION ALL SELECT inhrelid, depth + 1 FROM lineage JOIN pg_inherits ON inhparent = oid),
table_depth AS (
    SELECT oid, max(depth) AS depth,
           max(depth) > 0 OR EXISTS (SELECT FROM pg_inherits WHERE inhparent = oid) AS inherits
    FROM lineage GROUP BY oid),
-- Constraints of one name in tables that inherit are dropped together and added from the parents down, as a child's
-- has to be equal to its parent's when the two meet.
checks AS (
    SELECT array_agg(format('ALTER TABLE %s DROP CONSTRAINT %I', r.oid::regclass, con.conname) ORDER BY depth, r.oid)
           || array_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s', r.oid::regclass, con.conname, pg_get_constraintdef(con.oid))
                        ORDER BY depth, r.oid) AS statements,
           format('SELECT jsonb_agg(to_jsonb(c) - ''{oid,conbin}''::text[] ORDER BY conrelid) FROM pg_constraint c '
                  'WHERE contype = ''c'' AND conname = %L AND connamespace = %s', con.conname, $1) AS frame
    FROM pg_constraint con JOIN relation r ON r.oid = con.conrelid JOIN table_depth t ON t.oid = r.oid
    WHERE con.contype = 'c' AND con.conislocal
    GROUP BY con.conname, CASE WHEN inherits THEN 0::oid ELSE r.oid END),
functions AS (
    SELECT ARRAY[pg_get_functiondef(p.oid)] AS statements,
           format('SELECT to_jsonb(p) - ''{proargdefaults,prosqlbody}''::text[] FROM pg_proc p WHERE oid = %s', p.oid) AS frame
    FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid
    WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_namespace'::regclass AND d.refobjid = $1
      AND p.prokind <> 'a' AND (p.proargdefaults IS NOT NULL OR p.prosqlbody IS NOT NULL)),
defaults AS (
    SELECT ARRAY[format('ALTER TABLE ONLY %s ALTER COLUMN %I SET DEFAULT %s', r.oid::regclass, attname, pg_get_expr(adbin, adrelid))] AS statements,
           -- A default that is a plain NULL goes; it does in a dump as well.
           format('SELECT to_jsonb(a) - ''atthasdef''::text FROM pg_attribute a WHERE attrelid = %s AND attnum = %s', r.oid, attnum) AS frame
    FROM relation r JOIN pg_attrdef ON adrelid = r.oid JOIN pg_attribute a ON attrelid = adrelid AND attnum = adnum
    WHERE attgenerated = ''),
root_index AS (
    SELECT i.indexrelid, i.indrelid, con.oid AS con, con.conname
    FROM relation r JOIN pg_index i ON i.indrelid = r.oid JOIN pg_class c ON c.oid = i.indexrelid
    LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype IN ('p', 'u', 'x')
    WHERE (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL) AND NOT c.relispartition),
-- With those of the partitions.
index AS (
    SELECT root.*, coalesce(tree.relid, indexrelid) AS relid, tree.parentrelid, coalesce(tree.level, 0) AS level
    FROM root_index root LEFT JOIN LATERAL pg_partition_tree(indexrelid) tree ON true),
index_frames AS (
    SELECT indexrelid,
           format('SELECT jsonb_agg(jsonb_build_array(to_jsonb(c) - ''{oid,relfilenode,relpages,reltuples,relallvisible,relallfrozen}''::text[], '
                  'to_jsonb(i) - ''{indexrelid,indexprs,indpred,indcheckxmin}''::text[], '
                  '(SELECT relreplident FROM pg_class WHERE oid = indrelid), '
                  '(SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = indexrelid), '
                  '(SELECT jsonb_agg(to_jsonb(a) - ''{attrelid,attname}''::text[] ORDER BY attnum) FROM pg_attribute a WHERE attrelid = indexrelid)) '
                  'ORDER BY relname) FROM pg_class c JOIN pg_index i ON indexrelid = c.oid '
                  'WHERE relnamespace = %s AND relname = ANY (%L::name[])', $1, array_agg(c.relname)) AS frame
    FROM index JOIN pg_class c ON c.oid = relid GROUP BY indexrelid),
indexes AS (
    SELECT ARRAY[format('DROP INDEX %s', indexrelid::regclass)]
           || array_agg(pg_get_indexdef(relid) ORDER BY level, relid)
           || array_agg(format('ALTER INDEX %s ATTACH PARTITION %s', parentrelid::regclass, relid::regclass) ORDER BY level, relid)
              FILTER (WHERE parentrelid IS NOT NULL)
           || (SELECT array_agg(format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', attrelid::regclass, attnum, to_jsonb(a) ->> 'attstattarget'))
               FROM pg_attribute a WHERE attrelid = ANY (array_agg(relid)) AND (to_jsonb(a) ->> 'attstattarget')::integer >= 0)
           || (SELECT array_agg(format('ALTER TABLE %s CLUSTER ON %I', indrelid::regclass, relname))
               FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE i.indexrelid = ANY (array_agg(relid)) AND indisclustered) AS statements,
           frame
    FROM index JOIN index_frames USING (indexrelid) WHERE con IS NULL
    GROUP BY indexrelid, frame),
exclusions AS (
    SELECT ARRAY[
               format('ALTER TABLE %s DROP CONSTRAINT %I', indrelid::regclass, conname),
               format('ALTER TABLE %s ADD CONSTRAINT %I %s', indrelid::regclass, conname, pg_get_constraintdef(con))] AS statements,
           format('SELECT jsonb_build_array((%s), (SELECT jsonb_agg(to_jsonb(c) - ''{oid,conindid}''::text[]) FROM pg_constraint c '
                  'WHERE conrelid = %s AND conname = %L))', frame, indrelid, conname) AS frame
    FROM root_index JOIN index_frames USING (indexrelid) WHERE con IS NOT NULL),
statistics AS (
    SELECT ARRAY[format('DROP STATISTICS %s.%I', $1::regnamespace, stxname), pg_get_statisticsobjdef(s.oid)]
           || CASE WHEN (to_jsonb(s) ->> 'stxstattarget')::integer >= 0 THEN ARRAY[
                  format('ALTER STATISTICS %s.%I SET STATISTICS %s', $1::regnamespace, stxname, to_jsonb(s) ->> 'stxstattarget')] END AS statements,
           format('SELECT to_jsonb(s) - ''{oid,stxexprs}''::text[] FROM pg_statistic_ext s WHERE stxnamespace = %s AND stxname = %L', $1, stxname) AS frame
    FROM relation r JOIN pg_statistic_ext s ON stxrelid = r.oid WHERE stxexprs IS NOT NULL AND stxnamespace = $1),
views AS (
    SELECT ARRAY[format('CREATE OR REPLACE VIEW %s%s AS %s', oid::regclass,
               (SELECT ' WITH (' || string_agg(format('%I=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') || ')' FROM unnest(reloptions) o),
               pg_get_viewdef(oid))] AS statements,
           format('SELECT jsonb_build_array(to_jsonb(c), (SELECT jsonb_agg(to_jsonb(a) ORDER BY attnum) FROM pg_attribute a WHERE attrelid = c.oid)) '
                  'FROM pg_class c WHERE oid = %s', oid) AS frame
    FROM relation WHERE relkind = 'v'),
policies AS (
    SELECT ARRAY[format('ALTER POLICY %I ON %s', polname, polrelid::regclass)
               || coalesce(' USING (' || pg_get_expr(polqual, polrelid) || ')', '')
               || coalesce(' WITH CHECK (' || pg_get_expr(polwithcheck, polrelid) || ')', '')] AS statements,
           format('SELECT to_jsonb(p) - ''{polqual,polwithcheck}''::text[] FROM pg_policy p WHERE oid = %s', p.oid) AS frame
    FROM relation r JOIN pg_policy p ON polrelid = r.oid),
triggers AS (
    SELECT ARRAY[format('DROP TRIGGER %I ON %s', tgname, tgrelid::regclass), pg_get_triggerdef(t.oid)]
           -- Those of the partitions came with it.
           || (SELECT array_agg(format('ALTER TABLE ONLY %s %s TRIGGER %I', own.tgrelid::regclass,
                   CASE own.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, tgname))
               FROM pg_trigger own WHERE own.tgname = t.tgname AND own.tgenabled <> 'O'
                 AND (own.tgrelid = t.tgrelid OR own.tgrelid IN (SELECT relid FROM pg_partition_tree(t.tgrelid)))) AS statements,
           format('SELECT jsonb_agg(to_jsonb(t) - ''{oid,tgqual,tgparentid,tgconstraint}''::text[] ORDER BY tgrelid) FROM pg_trigger t '
                  'WHERE tgname = %L AND (tgrelid = %s OR tgrelid IN (SELECT relid FROM pg_partition_tree(%2$s)))', tgname, tgrelid) AS frame
    FROM relation r JOIN pg_trigger t ON tgrelid = r.oid WHERE tgqual IS NOT NULL AND NOT tgisinternal AND tgparentid = 0),
rules AS (
    SELECT ARRAY[format('DROP RULE %I ON %s', rulename, ev_class::regclass), pg_get_ruledef(w.oid)]
           || CASE WHEN ev_enabled <> 'O' THEN ARRAY[format('ALTER TABLE %s %s RULE %I', ev_class::regclass,
                  CASE ev_enabled WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' ELSE 'ENABLE REPLICA' END, rulename)] END AS statements,
           format('SELECT to_jsonb(w) - ''{oid,ev_qual,ev_action}''::text[] FROM pg_rewrite w WHERE ev_class = %s AND rulename = %L', ev_class, rulename) AS frame
    FROM relation r JOIN pg_rewrite w ON ev_class = r.oid WHERE rulename <> '_RETURN'),
-- What is made again has lost the extensions that it depends on; whoever has them keeps them.
extensions AS (
    SELECT ARRAY[format('ALTER %s %s DEPENDS ON EXTENSION %I', i.type, i.identity, e.extname)] AS statements
    FROM pg_extension e JOIN pg_depend d ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid AND d.deptype = 'x'
    LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
    LEFT JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid
    LEFT JOIN pg_class c ON c.oid = CASE WHEN d.classid = 'pg_class'::regclass THEN d.objid ELSE t.tgrelid END,
    LATERAL pg_identify_object(d.classid, d.objid, 0) i
    WHERE $1 IN (p.pronamespace, c.relnamespace))
SELECT jsonb_agg(jsonb_build_object('before', frame, 'after', frame, 'statements', statements) ORDER BY step)::text
FROM (
    -- Rows that the template wrote would be in the way: deferred checks of theirs, and functions that need a path.
    SELECT -1 AS step, ARRAY['SET CONSTRAINTS ALL IMMEDIATE'] AS statements, 'SELECT 0' AS frame
    UNION ALL SELECT 0, ARRAY['TRUNCATE ' || string_agg(oid::regclass::text, ', ')], 'SELECT 0'
        FROM relation WHERE relkind IN ('r', 'p') HAVING count(*) > 0
    UNION ALL SELECT 1, statements, frame FROM functions
    UNION ALL SELECT 2, statements, frame FROM defaults
    UNION ALL SELECT 2, statements, frame FROM checks
    UNION ALL SELECT 2, statements, frame FROM indexes
    UNION ALL SELECT 2, statements, frame FROM exclusions
    UNION ALL SELECT 2, statements, frame FROM statistics
    UNION ALL SELECT 3, statements, frame FROM views
    UNION ALL SELECT 4, statements, frame FROM policies
    UNION ALL SELECT 4, statements, frame FROM triggers
    UNION ALL SELECT 4, statements, frame FROM rules
    UNION ALL SELECT 5, statements, 'SELECT 0' FROM extensions) AS item
