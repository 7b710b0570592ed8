-- By hand: the hash of every schema by one query over one connection, for PostgreSQL 15 and 16.
-- Structure hash of many schemas in one query, equal across schemas whose own objects have other OIDs. $1: oid[] of the schemas.
-- Returns oid, nspname, owner, n rows hashed, h0, h1 (128 bits). A grouping key within one server version and database: never stored as truth.
-- Needs: SET LOCAL search_path = '', jit = off, enable_sort = off, work_mem = '256MB', max_parallel_workers_per_gather = 0, lock_timeout. Columns of PostgreSQL 15.
-- 1. Each leg groups equal rows of all schemas first (array_agg of schemas), hashes a distinct row once, and spreads the hash by unnest: cheaper than hashing every row.
--    Legs XOR together, so they may be split over connections on one exported snapshot; so may the list of schemas.
-- 2. OIDs below 16384 are the same for all. A type, collation, trigger function, parent or FK target of the same schema counts by name.
-- 3. Node trees without an OID >= 16384 of the given schemas are hashed as text without :location; the others are deparsed, row by row.
-- 4. In deparsed text, bodies, settings and comments the schema's own name, as a whole word, becomes chr(1); nothing else is touched.
-- 5. The schema's owner counts as "own" in owners and ACLs; an ACL equal to the default counts as none.
WITH ns AS MATERIALIZED (SELECT oid, nspname, nspowner, quote_ident(nspname) AS q, chr(1) || '.' AS m, nspacl FROM pg_namespace WHERE oid = ANY ($1::oid[])),
legs (leg, h0, h1, t, nm, nss, oids) AS (
 -- @leg rel: relations but indexes; t = partition bound
 SELECT 1, hash_record_extended(r, 0), hash_record_extended(r, 1), t, nm, nss, oids FROM (
  SELECT ROW(1, relname, relkind, relpersistence, reloptions, relrowsecurity, relforcerowsecurity, relreplident, relispartition, relam, reltablespace, owner,
         (SELECT NULLIF(x.a, x.b) FROM (SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0) a, string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1) b FROM (
            SELECT 0 d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(relacl)
            UNION ALL SELECT 1, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(acldefault(CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", COALESCE(owner, nspowner))) WHERE relacl IS NOT NULL) e (d, i)) x)) AS r,
         t, CASE WHEN reloftype <> 0 THEN format_type(reloftype, NULL) END AS nm, nss, oids
    FROM (SELECT c.relname, c.relkind, c.relpersistence, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relam, c.reltablespace,
                 NULLIF(c.relowner, n.nspowner) AS owner, c.relacl, CASE WHEN c.relacl IS NOT NULL THEN n.nspowner END AS nspowner, c.reloftype, c.relpartbound::text AS t, array_agg(n.oid) AS nss, array_agg(c.oid) AS oids
            FROM ns n JOIN pg_class c ON c.relnamespace = n.oid WHERE c.relkind IN ('r','p','v','m','f','S','c') GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15 OFFSET 0) z) y
 UNION ALL -- @leg toast: storage options of the toast table
 SELECT 2, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(2, c.relname, t.reloptions) AS r, array_agg(c.relnamespace) AS nss FROM (SELECT oid, reloptions FROM pg_class WHERE relkind = 't' AND reloptions IS NOT NULL OFFSET 0) t JOIN pg_class c ON c.reltoastrelid = t.oid
   WHERE c.relkind IN ('r','p','m') AND c.relnamespace = ANY ($1::oid[]) GROUP BY c.relname, t.reloptions) y
 UNION ALL -- @leg att: columns (of indexes too, where they carry options); a type or collation of this schema counts by its name, any other by its OID
 SELECT 3, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(3, relname, attnum, attname, typ, typ2, atttypmod, attnotnull, attidentity, attgenerated, coll, coll2, attisdropped, attstorage, attcompression, attstattarget, attislocal, attinhcount, attoptions, attfdwoptions,
         (SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FROM (SELECT concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(attacl)) e (i))) AS r, nss
    FROM (SELECT c.relname, a.attnum, a.attname, CASE WHEN a.atttypid < 16384 THEN a.atttypid END AS typ, CASE WHEN a.atttypid >= 16384 THEN (SELECT CASE WHEN y.typnamespace = c.relnamespace THEN '.' || y.typname ELSE y.oid::text END FROM pg_type y WHERE y.oid = a.atttypid) END AS typ2,
                 a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, CASE WHEN a.attcollation < 16384 THEN a.attcollation END AS coll, CASE WHEN a.attcollation >= 16384 THEN (SELECT CASE WHEN o.collnamespace = c.relnamespace THEN '.' || o.collname ELSE o.oid::text END FROM pg_collation o WHERE o.oid = a.attcollation) END AS coll2,
                 a.attisdropped, a.attstorage, a.attcompression, a.attstattarget, a.attislocal, a.attinhcount, a.attoptions, a.attfdwoptions, a.attacl, CASE WHEN a.attacl IS NOT NULL THEN (SELECT w.nspowner FROM pg_namespace w WHERE w.oid = c.relnamespace) END AS nspowner, array_agg(c.relnamespace) AS nss
            FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = ANY ($1::oid[]) AND (c.relkind IN ('r','p','v','m','f','c') OR c.relkind IN ('i','I') AND (a.attstattarget <> -1 OR a.attoptions IS NOT NULL)) AND a.attnum > 0
           GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21 OFFSET 0) z) y
 UNION ALL -- @leg def: defaults and generated columns
 SELECT 4, hash_record_extended(r, 0), hash_record_extended(r, 1), t, NULL::text, nss, oids FROM (
  SELECT ROW(4, c.relname, d.adnum) AS r, d.adbin::text AS t, array_agg(c.relnamespace) AS nss, array_agg(d.oid) AS oids
    FROM pg_class c JOIN pg_attrdef d ON d.adrelid = c.oid WHERE c.relnamespace = ANY ($1::oid[]) AND c.relkind IN ('r','p','v','f') GROUP BY c.relname, d.adnum, d.adbin::text OFFSET 0) y
 UNION ALL -- @leg con: table and domain constraints
 SELECT 5, hash_record_extended(r, 0), hash_record_extended(r, 1), t, nm, nss, oids FROM (
  SELECT ROW(5, relname, typname, conname, contype, convalidated, condeferrable, condeferred, conkey, confkey, frel, fns, confupdtype, confdeltype, confmatchtype, confdelsetcols, conislocal, coninhcount, connoinherit, child, CASE WHEN conexclop::text ~ '(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' THEN NULL ELSE conexclop END) AS r,
         t, CASE WHEN conexclop::text ~ '(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' THEN array_to_string(conexclop::regoperator[], ',') END AS nm, nss, oids
    FROM (SELECT c.relname, y.typname, k.conname, k.contype, k.convalidated, k.condeferrable, k.condeferred, k.conkey, k.confkey, f.relname AS frel, NULLIF(f.relnamespace, k.connamespace) AS fns, k.confupdtype, k.confdeltype, k.confmatchtype,
                 k.confdelsetcols, k.conislocal, k.coninhcount, k.connoinherit, k.conparentid <> 0 AS child, k.conexclop, k.conbin::text AS t, array_agg(k.connamespace) AS nss, array_agg(k.oid) AS oids
            FROM pg_constraint k LEFT JOIN pg_class c ON c.oid = k.conrelid AND c.relkind IN ('r','p','f') LEFT JOIN pg_class f ON f.oid = k.confrelid AND f.relkind IN ('r','p') LEFT JOIN pg_type y ON y.oid = k.contypid AND y.typtype = 'd' WHERE k.connamespace = ANY ($1::oid[])
           GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21 OFFSET 0) z) y
 UNION ALL -- @leg idx: indexes; t = expressions and predicate
 SELECT 6, hash_record_extended(r, 0), hash_record_extended(r, 1), t, nm, nss, oids FROM (
  SELECT ROW(6, trel, relname, relam, reloptions, reltablespace, indisunique, indisprimary, indisexclusion, indimmediate, indisclustered, indisvalid, indisready, indislive, indisreplident, indnullsnotdistinct, relispartition, indnkeyatts, indkey, indoption, x IS NULL, p IS NULL,
             CASE WHEN NOT named THEN indclass END, CASE WHEN NOT named THEN indcollation END) AS r, concat(x, p) AS t,
         CASE WHEN named THEN (SELECT string_agg(concat_ws(' ', (pg_identify_object('pg_opclass'::regclass, o.o, 0)).identity, NULLIF(o.c, 0)::regcollation), ',' ORDER BY o.n) FROM ROWS FROM (unnest(indclass::oid[]), unnest(indcollation::oid[])) WITH ORDINALITY o (o, c, n)) END AS nm, nss, oids
    FROM (SELECT *, concat(indclass::text, ' ', indcollation::text) ~ '(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' AS named FROM (
          SELECT t.relname AS trel, c.relname, c.relam, c.reloptions, c.reltablespace, i.indisunique, i.indisprimary, i.indisexclusion, i.indimmediate, i.indisclustered, i.indisvalid, i.indisready, i.indislive, i.indisreplident, i.indnullsnotdistinct, c.relispartition, i.indnkeyatts, i.indkey::int2[] AS indkey, i.indoption::int2[] AS indoption, i.indclass, i.indcollation,
                 i.indexprs::text AS x, i.indpred::text AS p,
                 array_agg(c.relnamespace) AS nss, array_agg(c.oid) AS oids
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid WHERE c.relnamespace = ANY ($1::oid[]) AND c.relkind IN ('i','I') AND t.relkind IN ('r','p','m')
           GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23 OFFSET 0) v OFFSET 0) z) y
 UNION ALL -- @leg trg: own triggers, and internal ones whose state was changed
 SELECT 7, hash_record_extended(r, 0), hash_record_extended(r, 1), t, NULL::text, nss, oids FROM (
  SELECT ROW(7, relname, tgname, tgtype, tgenabled, tgisinternal, child, proname, pns, tgattr, tgargs, tgdeferrable, tginitdeferred, tgoldtable, tgnewtable, frel) AS r, t, nss, oids
    FROM (SELECT c.relname, CASE WHEN t.tgisinternal THEN (SELECT k.conname FROM pg_constraint k WHERE k.oid = t.tgconstraint) ELSE t.tgname END AS tgname, t.tgtype, t.tgenabled, t.tgisinternal, t.tgparentid <> 0 AS child, p.proname, NULLIF(p.pronamespace, c.relnamespace) AS pns, t.tgattr::text, t.tgargs, t.tgdeferrable, t.tginitdeferred, t.tgoldtable, t.tgnewtable, CASE WHEN NOT t.tgisinternal AND t.tgconstrrelid <> 0 THEN (SELECT f.relname FROM pg_class f WHERE f.oid = t.tgconstrrelid) END AS frel, t.tgqual::text AS t, array_agg(c.relnamespace) AS nss, array_agg(t.oid) AS oids
            FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
           WHERE (NOT t.tgisinternal OR t.tgenabled <> 'O') AND c.relkind IN ('r','p','v','f') AND c.relnamespace = ANY ($1::oid[]) GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16 OFFSET 0) z) y
 UNION ALL -- @leg fn
 SELECT 8, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, nm, nss, NULL::oid[] FROM (
  SELECT ROW(8, proname, prokind, prolang, procost, prorows, prosupport, prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, argtypes, rettype, proargmodes, proargnames, owner, probin, prosrc, proconfig,
         (SELECT NULLIF(x.a, x.b) FROM (SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0) a, string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1) b FROM (
            SELECT 0 d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(proacl)
            UNION ALL SELECT 1, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(acldefault('f', COALESCE(owner, nspowner))) WHERE proacl IS NOT NULL) e (d, i)) x)) AS r, nm, nss
    FROM (SELECT p.proname, p.prokind, p.prolang, p.procost, p.prorows, CASE WHEN p.prosupport <> 0 THEN p.prosupport::text END AS prosupport, p.prosecdef, p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.pronargs, p.pronargdefaults,
                 CASE WHEN NOT v.named THEN p.proargtypes::text || COALESCE(p.proallargtypes::text, '') || COALESCE(p.protrftypes::text, '') END AS argtypes, CASE WHEN NOT v.named THEN p.prorettype END AS rettype, p.proargmodes, p.proargnames, NULLIF(p.proowner, n.nspowner) AS owner, p.probin,
                 CASE WHEN NOT v.own THEN p.prosrc END AS prosrc, CASE WHEN NOT v.own THEN p.proconfig END AS proconfig, p.proacl, CASE WHEN p.proacl IS NOT NULL THEN n.nspowner END AS nspowner,
                 CASE WHEN v.named OR v.own THEN concat(CASE WHEN v.named THEN concat_ws(chr(2), pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), array_to_string(p.protrftypes::regtype[], ','), pg_get_function_sqlbody(p.oid)) END, chr(2), CASE WHEN v.own THEN concat_ws(chr(2), p.prosrc, array_to_string(p.proconfig, chr(2))) END) END AS nm, array_agg(n.oid) AS nss
            FROM ns n JOIN pg_proc p ON p.pronamespace = n.oid AND NOT (p.prolang = 12 AND p.prosrc LIKE '%range\_constructor_') CROSS JOIN LATERAL (SELECT p.pronargdefaults > 0 OR p.prosqlbody IS NOT NULL OR p.prorettype >= 16384 OR concat(p.proargtypes::text, p.proallargtypes::text, p.protrftypes::text) ~ '(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' AS named, strpos(p.prosrc, n.nspname) > 0 OR strpos(COALESCE(p.proconfig::text, ''), n.nspname) > 0 AS own) v
           GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25 OFFSET 0) z) y
 UNION ALL -- @leg seq: parameters and owner column
 SELECT 9, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(9, relname, seqtypid, par, seqcycle, ocol, orel, ons) AS r, nss
    FROM (SELECT c.relname, s.seqtypid, concat_ws(',', s.seqstart, s.seqincrement, s.seqmax, s.seqmin, s.seqcache) AS par, s.seqcycle, o.refobjsubid AS ocol, o.relname AS orel, NULLIF(o.relnamespace, c.relnamespace) AS ons, array_agg(c.relnamespace) AS nss
            FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid LEFT JOIN LATERAL (SELECT d.refobjsubid, o.relname, o.relnamespace FROM pg_depend d JOIN pg_class o ON o.oid = d.refobjid WHERE d.classid = 'pg_class'::regclass AND d.objid = s.seqrelid AND d.objsubid = 0 AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a','i') LIMIT 1) o ON true
           WHERE c.relnamespace = ANY ($1::oid[]) AND c.relkind = 'S' GROUP BY 1,2,3,4,5,6,7 OFFSET 0) z) y
 UNION ALL -- @leg typ: domains, enums, ranges, base types, free composites; t = default of a domain
 SELECT 10, hash_record_extended(r, 0), hash_record_extended(r, 1), t, nm, nss, oids FROM (
  SELECT ROW(10, typname, typtype, typlen, typbyval, typcategory, typispreferred, typdelim, typalign, typstorage, typnotnull, CASE WHEN typbasetype < 16384 THEN typbasetype END, typtypmod, typndims, CASE WHEN typcollation < 16384 THEN typcollation END, owner, CASE WHEN t IS NULL THEN typdefault END,
         (SELECT NULLIF(x.a, x.b) FROM (SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 0) a, string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FILTER (WHERE e.d = 1) b FROM (
            SELECT 0 d, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(typacl)
            UNION ALL SELECT 1, concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(acldefault('T', COALESCE(owner, nspowner))) WHERE typacl IS NOT NULL) e (d, i)) x)) AS r, t,
         CASE WHEN typbasetype >= 16384 OR typcollation >= 16384 OR typtype IN ('b','r') THEN concat_ws(chr(2), CASE WHEN typbasetype >= 16384 THEN format_type(typbasetype, NULL) END, CASE WHEN typcollation >= 16384 THEN typcollation::regcollation::text END, io,
           (SELECT concat_ws(',', format_type(g.rngsubtype, NULL), g.rngcollation::regcollation, (pg_identify_object('pg_opclass'::regclass, g.rngsubopc, 0)).identity, g.rngcanonical, g.rngsubdiff, format_type(g.rngmultitypid, NULL)) FROM pg_range g WHERE g.rngtypid = oids[1])) END AS nm, nss, oids
    FROM (SELECT t.typname, t.typtype, t.typlen, t.typbyval, t.typcategory, t.typispreferred, t.typdelim, t.typalign, t.typstorage, t.typnotnull, t.typbasetype, t.typtypmod, t.typndims, t.typcollation, NULLIF(t.typowner, n.nspowner) AS owner, t.typdefault, t.typacl, CASE WHEN t.typacl IS NOT NULL THEN n.nspowner END AS nspowner, t.typdefaultbin::text AS t,
                 CASE WHEN t.typtype = 'b' THEN concat_ws(',', t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze, t.typsubscript, format_type(NULLIF(t.typelem, 0), NULL)) END AS io, CASE WHEN t.typtype = 'r' THEN t.oid END AS split, array_agg(n.oid) AS nss, array_agg(t.oid) AS oids
            FROM ns n JOIN pg_type t ON t.typnamespace = n.oid LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c' WHERE t.typtype IN ('b','d','e','r','c','p') AND t.typsubscript <> 'array_subscript_handler'::regproc AND c.oid IS NULL
           GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21 OFFSET 0) z) y
 UNION ALL -- @leg enm: labels by rank
 SELECT 11, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(11, typname, enumlabel, k) AS r, array_agg(ns) AS nss FROM (SELECT t.typnamespace AS ns, t.typname, e.enumlabel, row_number() OVER (PARTITION BY e.enumtypid ORDER BY e.enumsortorder) AS k FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid WHERE t.typtype = 'e' AND t.typnamespace = ANY ($1::oid[])) z GROUP BY typname, enumlabel, k OFFSET 0) y
 UNION ALL -- @leg pol
 SELECT 12, hash_record_extended(r, 0), hash_record_extended(r, 1), t, NULL::text, nss, oids FROM (
  SELECT ROW(12, relname, polname, polcmd, polpermissive, roles, q, w) AS r, t, nss, oids
    FROM (SELECT c.relname, o.polname, o.polcmd, o.polpermissive, array_replace(o.polroles, n.nspowner, 4294967295) AS roles, o.polqual IS NULL AS q, o.polwithcheck IS NULL AS w, concat(o.polqual::text, o.polwithcheck::text) AS t, array_agg(n.oid) AS nss, array_agg(o.oid) AS oids
            FROM pg_policy o JOIN pg_class c ON c.oid = o.polrelid JOIN ns n ON n.oid = c.relnamespace GROUP BY 1,2,3,4,5,6,7,8 OFFSET 0) z) y
 UNION ALL -- @leg inh: inheritance, partitions of tables and indexes
 SELECT 13, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(13, child, parent, pns, inhseqno, inhdetachpending) AS r, nss FROM (SELECT c.relname AS child, p.relname AS parent, NULLIF(p.relnamespace, c.relnamespace) AS pns, h.inhseqno, h.inhdetachpending, array_agg(c.relnamespace) AS nss
      FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid JOIN pg_class p ON p.oid = h.inhparent WHERE c.relnamespace = ANY ($1::oid[]) GROUP BY 1,2,3,4,5 OFFSET 0) z) y
 UNION ALL -- @leg prt: partition keys
 SELECT 14, hash_record_extended(r, 0), hash_record_extended(r, 1), t, nm, nss, oids FROM (
  SELECT ROW(14, relname, partstrat, partattrs, CASE WHEN nm THEN NULL ELSE cls END) AS r, t, CASE WHEN nm THEN pg_get_partkeydef(oids[1]) END AS nm, nss, oids FROM (SELECT c.relname, p.partstrat, p.partattrs::text, concat(p.partclass::text, '/', p.partcollation::text) AS cls, concat(p.partclass::text, '/', p.partcollation::text) ~ '(1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' AS nm, p.partexprs::text AS t, array_agg(c.relnamespace) AS nss, array_agg(c.oid) AS oids
      FROM pg_partitioned_table p JOIN pg_class c ON c.oid = p.partrelid WHERE c.relnamespace = ANY ($1::oid[]) GROUP BY 1,2,3,4,5,6 OFFSET 0) z) y
 UNION ALL -- @leg sta: extended statistics
 SELECT 15, hash_record_extended(r, 0), hash_record_extended(r, 1), t, NULL::text, nss, oids FROM (
  SELECT ROW(15, stxname, relname, rns, stxkeys, stxkind, stxstattarget, owner) AS r, t, nss, oids FROM (SELECT s.stxname, c.relname, NULLIF(c.relnamespace, n.oid) AS rns, s.stxkeys::text, s.stxkind, s.stxstattarget, NULLIF(s.stxowner, n.nspowner) AS owner, s.stxexprs::text AS t, array_agg(n.oid) AS nss, array_agg(s.oid) AS oids
      FROM ns n JOIN pg_statistic_ext s ON s.stxnamespace = n.oid JOIN pg_class c ON c.oid = s.stxrelid GROUP BY 1,2,3,4,5,6,7,8 OFFSET 0) z) y
 UNION ALL -- @leg nsp: the schema itself, default privileges
 SELECT 16, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, NULL::text, nss, NULL::oid[] FROM (
  SELECT ROW(16, role, objtype, (SELECT string_agg(e.i, ',' ORDER BY e.i COLLATE "C") FROM (SELECT concat_ws('/', COALESCE(NULLIF(grantee, nspowner)::text, 'own'), COALESCE(NULLIF(grantor, nspowner)::text, 'own'), privilege_type, is_grantable) FROM aclexplode(acl)) e (i))) AS r, ARRAY[ns] AS nss
    FROM (SELECT oid AS ns, NULL::oid AS role, 'n'::"char" AS objtype, nspowner, COALESCE(nspacl, acldefault('n', nspowner)) AS acl FROM ns
          UNION ALL SELECT n.oid, NULLIF(d.defaclrole, n.nspowner), d.defaclobjtype, n.nspowner, d.defaclacl FROM ns n JOIN pg_default_acl d ON d.defaclnamespace = n.oid) z) y
 UNION ALL -- @leg cmt: comments; own name in the text is neutralised
 SELECT 17, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, nm, nss, NULL::oid[] FROM (
  SELECT ROW(17, class, a, b, sub, CASE WHEN own THEN NULL ELSE description END) AS r, CASE WHEN own OR args IS NOT NULL THEN concat(args, chr(2), CASE WHEN own THEN description END) END AS nm, nss
    FROM (SELECT d.class, d.a, d.b, d.args, d.sub, d.description, strpos(d.description, n.nspname) > 0 AS own, array_agg(n.oid) AS nss FROM ns n JOIN (
            SELECT 'r' AS class, c.relnamespace AS ns, c.relname AS a, NULL::name AS b, NULL AS args, d.objsubid AS sub, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid WHERE d.classoid = 'pg_class'::regclass
            UNION ALL SELECT 'y', t.typnamespace, t.typname, NULL, NULL, 0, d.description FROM pg_description d JOIN pg_type t ON t.oid = d.objoid WHERE d.classoid = 'pg_type'::regclass AND d.objoid >= 16384
            UNION ALL SELECT 'f', p.pronamespace, p.proname, NULL, pg_get_function_identity_arguments(p.oid), 0, d.description FROM pg_description d JOIN pg_proc p ON p.oid = d.objoid WHERE d.classoid = 'pg_proc'::regclass AND d.objoid >= 16384
            UNION ALL SELECT 'k', k.connamespace, COALESCE(c.relname, t.typname), k.conname, NULL, 0, d.description FROM pg_description d JOIN pg_constraint k ON k.oid = d.objoid LEFT JOIN pg_class c ON c.oid = k.conrelid LEFT JOIN pg_type t ON t.oid = k.contypid WHERE d.classoid = 'pg_constraint'::regclass
            UNION ALL SELECT 't', c.relnamespace, c.relname, t.tgname, NULL, 0, d.description FROM pg_description d JOIN pg_trigger t ON t.oid = d.objoid JOIN pg_class c ON c.oid = t.tgrelid WHERE d.classoid = 'pg_trigger'::regclass
            UNION ALL SELECT 'p', c.relnamespace, c.relname, o.polname, NULL, 0, d.description FROM pg_description d JOIN pg_policy o ON o.oid = d.objoid JOIN pg_class c ON c.oid = o.polrelid WHERE d.classoid = 'pg_policy'::regclass
            UNION ALL SELECT 'u', c.relnamespace, c.relname, w.rulename, NULL, 0, d.description FROM pg_description d JOIN pg_rewrite w ON w.oid = d.objoid JOIN pg_class c ON c.oid = w.ev_class WHERE d.classoid = 'pg_rewrite'::regclass AND d.objoid >= 16384
            UNION ALL SELECT 's', s.stxnamespace, s.stxname, NULL, NULL, 0, d.description FROM pg_description d JOIN pg_statistic_ext s ON s.oid = d.objoid WHERE d.classoid = 'pg_statistic_ext'::regclass
            UNION ALL SELECT 'n', d.objoid, NULL, NULL, NULL, 0, d.description FROM pg_description d WHERE d.classoid = 'pg_namespace'::regclass
            UNION ALL SELECT 'o', n.oid, i.type, NULL, i.identity, 0, d.description FROM pg_description d CROSS JOIN LATERAL pg_identify_object(d.classoid, d.objoid, d.objsubid) i JOIN ns n ON n.nspname = i.schema
              WHERE d.objoid >= 16384 AND d.classoid NOT IN ('pg_class'::regclass,'pg_type'::regclass,'pg_proc'::regclass,'pg_constraint'::regclass,'pg_trigger'::regclass,'pg_policy'::regclass,'pg_rewrite'::regclass,'pg_statistic_ext'::regclass,'pg_namespace'::regclass)
          ) d ON d.ns = n.oid GROUP BY 1,2,3,4,5,6,7 OFFSET 0) z) y
 UNION ALL -- @leg vew: views, materialised views, rules; always deparsed (takes AccessShareLock on what they read)
 SELECT 18, hash_record_extended(r, 0), hash_record_extended(r, 1), NULL::text, nm, nss, NULL::oid[] FROM (
  SELECT ROW(18, c.relname, w.rulename, w.ev_enabled) AS r, CASE WHEN w.rulename = '_RETURN' THEN pg_get_viewdef(c.oid) ELSE pg_get_ruledef(w.oid) END AS nm, ARRAY[c.relnamespace] AS nss
    FROM pg_rewrite w JOIN pg_class c ON c.oid = w.ev_class WHERE c.relnamespace = ANY ($1::oid[]) OFFSET 0) y
 UNION ALL -- @leg etc: rare kinds; names by reg* casts, identity first
 SELECT 19, hash_record_extended(ROW(19, kind, NULLIF(e.owner, n.nspowner)), 0), hash_record_extended(ROW(19, kind, NULLIF(e.owner, n.nspowner)), 1), NULL::text, nm, ARRAY[n.oid], NULL::oid[] FROM ns n JOIN (
   SELECT 'aggregate' AS kind, NULL::oid AS owner, p.pronamespace AS ns, concat_ws(chr(2), p.oid::regprocedure, g.aggkind, g.aggnumdirectargs, g.aggtransfn, g.aggfinalfn, g.aggcombinefn, g.aggserialfn, g.aggdeserialfn, g.aggmtransfn, g.aggminvtransfn, g.aggmfinalfn, g.aggfinalextra, g.aggmfinalextra, g.aggfinalmodify, g.aggmfinalmodify, g.aggsortop::regoperator, g.aggtranstype::regtype, g.aggtransspace, g.aggmtranstype::regtype, g.aggmtransspace, quote_nullable(g.agginitval), quote_nullable(g.aggminitval)) AS nm FROM pg_aggregate g JOIN pg_proc p ON p.oid = g.aggfnoid WHERE p.oid >= 16384
   UNION ALL SELECT 'operator', o.oprowner, o.oprnamespace, concat_ws(chr(2), o.oid::regoperator, o.oprkind, o.oprcanmerge, o.oprcanhash, o.oprresult::regtype, o.oprcom::regoperator, o.oprnegate::regoperator, o.oprcode, o.oprrest, o.oprjoin) FROM pg_operator o WHERE o.oid >= 16384
   UNION ALL SELECT 'collation', c.collowner, c.collnamespace, concat_ws(chr(2), c.collname, c.collprovider, c.collisdeterministic, c.collencoding, quote_nullable(c.collcollate), quote_nullable(c.collctype), quote_nullable(c.colliculocale)) FROM pg_collation c WHERE c.oid >= 16384
   UNION ALL SELECT 'opclass', o.opcowner, o.opcnamespace, concat_ws(chr(2), i.identity, f.identity, o.opcintype::regtype, o.opckeytype::regtype, o.opcdefault) FROM pg_opclass o CROSS JOIN LATERAL pg_identify_object('pg_opclass'::regclass, o.oid, 0) i CROSS JOIN LATERAL pg_identify_object('pg_opfamily'::regclass, o.opcfamily, 0) f WHERE o.oid >= 16384
   UNION ALL SELECT 'opfamily', f.opfowner, f.opfnamespace, concat_ws(chr(2), i.identity) FROM pg_opfamily f CROSS JOIN LATERAL pg_identify_object('pg_opfamily'::regclass, f.oid, 0) i WHERE f.oid >= 16384
   UNION ALL SELECT 'amop', NULL::oid, f.opfnamespace, concat_ws(chr(2), i.identity, a.amopopr::regoperator, a.amoppurpose, a.amopsortfamily) FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily CROSS JOIN LATERAL pg_identify_object('pg_amop'::regclass, a.oid, 0) i WHERE a.oid >= 16384
   UNION ALL SELECT 'amproc', NULL::oid, f.opfnamespace, concat_ws(chr(2), i.identity, a.amproc::oid::regprocedure) FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily CROSS JOIN LATERAL pg_identify_object('pg_amproc'::regclass, a.oid, 0) i WHERE a.oid >= 16384
   UNION ALL SELECT 'cast', NULL::oid, CASE WHEN s.oid >= 16384 THEN s.typnamespace ELSE t.typnamespace END, concat_ws(chr(2), s.oid::regtype, t.oid::regtype, quote_nullable(NULLIF(k.castfunc, 0)::regprocedure::text), k.castcontext, k.castmethod) FROM pg_cast k JOIN pg_type s ON s.oid = k.castsource JOIN pg_type t ON t.oid = k.casttarget WHERE k.oid >= 16384
   UNION ALL SELECT 'conversion', c.conowner, c.connamespace, concat_ws(chr(2), c.conname, c.conforencoding, c.contoencoding, c.conproc, c.condefault) FROM pg_conversion c WHERE c.oid >= 16384
   UNION ALL SELECT 'tsparser', NULL::oid, c.prsnamespace, concat_ws(chr(2), c.prsname, c.prsstart, c.prstoken, c.prsend, c.prsheadline, c.prslextype) FROM pg_ts_parser c WHERE c.oid >= 16384
   UNION ALL SELECT 'tstemplate', NULL::oid, c.tmplnamespace, concat_ws(chr(2), c.tmplname, c.tmplinit, c.tmpllexize) FROM pg_ts_template c WHERE c.oid >= 16384
   UNION ALL SELECT 'tsdict', c.dictowner, c.dictnamespace, concat_ws(chr(2), c.dictname, i.identity, quote_nullable(c.dictinitoption)) FROM pg_ts_dict c CROSS JOIN LATERAL pg_identify_object('pg_ts_template'::regclass, c.dicttemplate, 0) i WHERE c.oid >= 16384
   UNION ALL SELECT 'tsconfig', c.cfgowner, c.cfgnamespace, concat_ws(chr(2), c.cfgname, i.identity, (SELECT string_agg(concat_ws(':', m.maptokentype, m.mapseqno, m.mapdict::regdictionary), ',' ORDER BY m.maptokentype, m.mapseqno) FROM pg_ts_config_map m WHERE m.mapcfg = c.oid)) FROM pg_ts_config c CROSS JOIN LATERAL pg_identify_object('pg_ts_parser'::regclass, c.cfgparser, 0) i WHERE c.oid >= 16384
   UNION ALL SELECT 'foreign table', NULL::oid, c.relnamespace, concat_ws(chr(2), c.relname, f.ftserver, quote_nullable(array_to_string(f.ftoptions, chr(2)))) FROM pg_foreign_table f JOIN pg_class c ON c.oid = f.ftrelid
   UNION ALL SELECT 'label', NULL::oid, n.oid, concat_ws(chr(2), i.type, i.identity, l.provider, l.label) FROM pg_seclabel l CROSS JOIN LATERAL pg_identify_object(l.classoid, l.objoid, l.objsubid) i JOIN ns n ON n.nspname = i.schema
 ) e ON e.ns = n.oid
),
legm AS MATERIALIZED (SELECT * FROM legs),
-- Does a tree mention an object of the given schemas? Trees of one key that differ from schema to schema (more than 16) are judged by one sample; any other by itself.
cls AS MATERIALIZED (SELECT h0, h1, (t ~ ':consttype (24|220[2-6]|3734|3769|4089|4096|4191) [^{}]*\[ -?\d+ (?!(\d|[1-5]\d|6[0-3]) 0 0 0 0 0 0 \])|:consttype (1008|220[7-9]|221[01]|3735|3770|4090|4097|4192) ' OR t ~ '([^nd]|[^o]d) (1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' AND EXISTS (SELECT FROM regexp_matches(t, ' ([1-9]\d{4,8}|[1-3]\d{9})(?!\d)', 'g') x (m) CROSS JOIN LATERAL CAST (x.m[1] AS oid) o
       WHERE EXISTS (SELECT FROM pg_type WHERE oid = o AND typnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_proc WHERE oid = o AND pronamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_class WHERE oid = o AND relnamespace = ANY ($1::oid[]))
          OR EXISTS (SELECT FROM pg_operator WHERE oid = o AND oprnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_collation WHERE oid = o AND collnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_opfamily WHERE oid = o AND opfnamespace = ANY ($1::oid[])))) AS loc
    FROM (SELECT h0, h1, min(t COLLATE "C") AS t FROM legm WHERE t IS NOT NULL AND cardinality(nss) = 1 GROUP BY h0, h1 HAVING count(*) > 16 OFFSET 0) k),
p AS MATERIALIZED (SELECT m.leg, m.h0, m.h1, m.t, m.nm, m.nss, m.oids, m.nm IS NOT NULL OR m.t IS NOT NULL AND CASE WHEN cardinality(m.nss) = 1 AND c.loc IS NOT NULL THEN c.loc ELSE (m.t ~ ':consttype (24|220[2-6]|3734|3769|4089|4096|4191) [^{}]*\[ -?\d+ (?!(\d|[1-5]\d|6[0-3]) 0 0 0 0 0 0 \])|:consttype (1008|220[7-9]|221[01]|3735|3770|4090|4097|4192) ' OR m.t ~ '([^nd]|[^o]d) (1638[4-9]|1639\d|16[4-9]\d\d|1[7-9]\d{3}|[2-9]\d{4}|[1-9]\d{5})' AND EXISTS (SELECT FROM regexp_matches(m.t, ' ([1-9]\d{4,8}|[1-3]\d{9})(?!\d)', 'g') x (m) CROSS JOIN LATERAL CAST (x.m[1] AS oid) o
       WHERE EXISTS (SELECT FROM pg_type WHERE oid = o AND typnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_proc WHERE oid = o AND pronamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_class WHERE oid = o AND relnamespace = ANY ($1::oid[]))
          OR EXISTS (SELECT FROM pg_operator WHERE oid = o AND oprnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_collation WHERE oid = o AND collnamespace = ANY ($1::oid[])) OR EXISTS (SELECT FROM pg_opfamily WHERE oid = o AND opfnamespace = ANY ($1::oid[])))) END AS loc FROM legm m LEFT JOIN cls c ON c.h0 = m.h0 AND c.h1 = m.h1),
rows (leg, ns, n, h0, h1) AS (
 SELECT g.leg, u.ns, g.n, g.h0, g.h1 FROM (
   SELECT leg, nss, count(*) AS n, bit_xor(CASE WHEN t IS NULL THEN h0 ELSE hashtextextended(s, h0) END) AS h0, bit_xor(CASE WHEN t IS NULL THEN h1 ELSE hashtextextended(s, h1) END) AS h1
     FROM (SELECT leg, nss, h0, h1, t, regexp_replace(t, ':location -?\d+', '', 'g') AS s FROM p WHERE loc IS NOT TRUE) x GROUP BY leg, nss) g, unnest(g.nss) u (ns)
 UNION ALL
 SELECT x.leg, x.ns, 1, hashtextextended(s.txt, x.h0), hashtextextended(s.txt, x.h1) FROM (
   SELECT p.leg, m.ns, p.h0, p.h1, concat(chr(2), nm, chr(2), CASE WHEN t IS NOT NULL THEN CASE leg
       WHEN 1 THEN (SELECT pg_get_expr(c.relpartbound, 0) FROM pg_class c WHERE c.oid = m.oid)
       WHEN 4 THEN (SELECT pg_get_expr(d.adbin, CASE WHEN strpos(p.t, '{VAR ') > 0 THEN d.adrelid ELSE 0 END) FROM pg_attrdef d WHERE d.oid = m.oid)
       WHEN 5 THEN (SELECT pg_get_expr(k.conbin, k.conrelid) FROM pg_constraint k WHERE k.oid = m.oid)
       WHEN 6 THEN (SELECT concat(pg_get_expr(i.indexprs, i.indrelid), chr(2), pg_get_expr(i.indpred, i.indrelid)) FROM pg_index i WHERE i.indexrelid = m.oid)
       WHEN 7 THEN pg_get_triggerdef(m.oid)
       WHEN 10 THEN (SELECT pg_get_expr(y.typdefaultbin, 0) FROM pg_type y WHERE y.oid = m.oid)
       WHEN 12 THEN (SELECT concat(pg_get_expr(o.polqual, o.polrelid), chr(2), pg_get_expr(o.polwithcheck, o.polrelid)) FROM pg_policy o WHERE o.oid = m.oid)
       WHEN 14 THEN pg_get_partkeydef(m.oid)
       WHEN 15 THEN array_to_string(pg_get_statisticsobjdef_expressions(m.oid), chr(2)) END END) AS txt
     FROM p CROSS JOIN LATERAL unnest(p.nss, p.oids) m (ns, oid) WHERE loc OFFSET 0) x
   JOIN ns n ON n.oid = x.ns
   CROSS JOIN LATERAL (SELECT CASE WHEN strpos(x.txt, n.nspname) = 0 THEN x.txt ELSE replace(replace(replace(replace(replace(replace(x.txt, ' ' || n.q || '.', ' ' || n.m), '(' || n.q || '.', '(' || n.m), '''' || n.q || '.', '''' || n.m), ':' || n.q || '.', ':' || n.m), '[' || n.q || '.', '[' || n.m), chr(2) || n.q || '.', chr(2) || n.m) END AS txt OFFSET 0) r
   CROSS JOIN LATERAL (SELECT CASE WHEN strpos(r.txt, n.nspname) = 0 THEN r.txt
        ELSE regexp_replace(replace(r.txt, CASE WHEN n.q <> n.nspname THEN n.q ELSE chr(1) END, chr(1)), '(?<![A-Za-z0-9_$\u0080-\uffff])' || regexp_replace(n.nspname, '([^A-Za-z0-9_])', '\\\1', 'g') || '(?![A-Za-z0-9_$\u0080-\uffff])', chr(1), 'g') END AS txt OFFSET 0) s
)
SELECT n.oid, n.nspname, n.nspowner, sum(r.n)::int AS n, bit_xor(r.h0) AS h0, bit_xor(r.h1) AS h1 FROM rows r JOIN ns n ON n.oid = r.ns GROUP BY 1, 2, 3
