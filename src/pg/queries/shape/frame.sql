-- Everything that the schemas $1 hold, a flat list of ten texts an object. $2: tables to leave out with all that is
-- theirs. $3: roles whose USAGE on the schema says nothing.
--
-- The schema itself is first on the path while it is read, and pg_catalog after it: so its own objects are deparsed
-- unqualified, whatever they are called, and all others qualified. CASE is the one construct that promises an order.
-- Where the path leads elsewhere, because USAGE is missing, the answer is NULL.
--
-- Objects are found through pg_depend, then from tables to their parts: pg_class has no index that begins with the
-- schema. Names in this text are pg_catalog's by the path that it is parsed under.
SELECT s.oid, s.nspname::text,
       CASE WHEN set_config('search_path', quote_ident(s.nspname) || ', pg_catalog, pg_temp', true) IS NULL THEN NULL
            WHEN (current_schemas(false))[1] = s.nspname THEN ARRAY(
  WITH own (class, oid) AS MATERIALIZED (
         SELECT DISTINCT d.classid, d.objid
           FROM pg_depend d
          WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = s.oid
            AND NOT EXISTS (SELECT FROM pg_depend e
                             WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype = 'e')),
       rel AS MATERIALIZED (
         SELECT c.oid, c.relname, c.relkind, c.reltype, c.reloftype, c.relowner, c.relam, c.reltablespace,
                c.reltoastrelid, c.relpersistence, c.relispartition, c.relpartbound, c.relrowsecurity,
                c.relforcerowsecurity, c.relreplident, c.reloptions, c.relacl, c.relhastriggers, c.relhasrules
           FROM own o JOIN pg_class c ON c.oid = o.oid
          WHERE o.class = 'pg_class'::regclass AND c.relnamespace = s.oid AND c.relname <> ALL ($2::text[])
            AND NOT (c.relkind = 'S' AND EXISTS (
                  SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
                   WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                     AND d.deptype IN ('a', 'i') AND t.relname = ANY ($2::text[])))),
       typ AS MATERIALIZED (
         SELECT t.*
           FROM own o JOIN pg_type t ON t.oid = o.oid
          WHERE o.class = 'pg_type'::regclass AND t.typnamespace = s.oid AND t.typtype <> 'm'),
       -- What stands on these objects: only there are casts found, and what isn't known.
       dependent (class, oid) AS MATERIALIZED (
         SELECT DISTINCT d.classid, d.objid
           FROM (SELECT o.class, o.oid FROM own o
                 UNION ALL SELECT 'pg_type'::regclass, r.reltype FROM rel r WHERE r.reltype <> 0
                 UNION ALL SELECT 'pg_type'::regclass, t.typarray FROM rel r JOIN pg_type t ON t.oid = r.reltype
                 UNION ALL SELECT 'pg_type'::regclass, t.typarray FROM typ t WHERE t.typarray <> 0
                 UNION ALL SELECT 'pg_type'::regclass, g.rngmultitypid FROM typ t JOIN pg_range g ON g.rngtypid = t.oid) o
           JOIN pg_depend d ON d.refclassid = o.class AND d.refobjid = o.oid
          WHERE d.classid NOT IN ('pg_class'::regclass, 'pg_type'::regclass, 'pg_attrdef'::regclass,
                                  'pg_constraint'::regclass, 'pg_rewrite'::regclass, 'pg_trigger'::regclass,
                                  'pg_proc'::regclass)
            AND NOT EXISTS (SELECT FROM pg_depend e
                             WHERE e.classid = d.classid AND e.objid = d.objid AND e.objsubid = 0 AND e.deptype = 'e')),
       thing (kind, name, class, oid, sub, text, settings, body, owner, acl, acl_of) AS (
{legs})
  SELECT unnest(ARRAY[t.kind, t.name, t.text, t.settings, t.body,
           (SELECT d.description FROM pg_description d
             WHERE d.objoid = t.oid AND d.classoid = t.class AND d.objsubid = t.sub),
           CASE WHEN t.owner <> s.nspowner AND t.sub = 0 AND t.class <> 'pg_default_acl'::regclass
                THEN quote_ident(pg_get_userbyid(t.owner)) END,
           CASE WHEN t.acl IS NOT NULL THEN (
             SELECT string_agg(l.line, E'\n' ORDER BY l.line COLLATE "C")
               FROM (SELECT concat_ws(' ', g.verb,
                              string_agg(g.privilege_type, ', ' ORDER BY g.privilege_type COLLATE "C"),
                              CASE g.verb WHEN 'GRANT' THEN 'TO' ELSE 'FROM' END,
                              {role:g.grantee},
                              CASE WHEN g.is_grantable THEN 'WITH GRANT OPTION' END,
                              CASE WHEN g.grantor <> t.owner THEN 'GRANTED BY ' || {role:g.grantor} END) AS line
                       FROM ((SELECT 'GRANT' AS verb, a.* FROM aclexplode(t.acl) a
                              EXCEPT SELECT 'GRANT', d.* FROM aclexplode(acldefault(t.acl_of, t.owner)) d)
                             UNION ALL
                             (SELECT 'REVOKE', d.* FROM aclexplode(acldefault(t.acl_of, t.owner)) d
                              EXCEPT SELECT 'REVOKE', a.* FROM aclexplode(t.acl) a)) g
                      WHERE NOT (t.acl_of = 'n' AND g.privilege_type = 'USAGE' AND g.verb = 'GRANT' AND NOT g.is_grantable
                                 AND pg_get_userbyid(g.grantee) = ANY ($3::text[]))
                      GROUP BY g.verb, g.grantee, g.grantor, g.is_grantable) l) END,
           CASE WHEN EXISTS (SELECT FROM pg_seclabel) AND EXISTS (
                  SELECT FROM pg_seclabel l WHERE l.objoid = t.oid AND l.classoid = t.class AND l.objsubid = t.sub)
                THEN 'yes' END,
           CASE WHEN t.class = 'pg_class'::regclass AND t.sub = 0 AND EXISTS (
                  SELECT FROM pg_publication_rel p WHERE p.prrelid = t.oid)
                  OR t.class = 'pg_namespace'::regclass AND {published_schema}
                THEN 'yes' END])
    FROM thing t) END
  FROM pg_namespace s
 WHERE s.oid = ANY ($1::oid[])
