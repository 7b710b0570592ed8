-- One leg over all schemas. $1: schemas; $2: their history tables with indexes; $3: readers.
-- Equal rows of all schemas are grouped first and hashed once, with two seeds. Rows of two kinds come back: hashes that these schemas take
-- in, and with OIDs the rows whose deparsed text is still to be hashed, with h0 and h1 as seeds.
-- Membership in an array is asked for inside of CASE, where the planner doesn't weigh every element of it.
WITH ns AS MATERIALIZED (
  SELECT oid, nspname, nspowner, nspacl, quote_ident(nspname) AS q, chr(1) || '.' AS m, {word} AS word FROM pg_namespace WHERE CASE WHEN oid = ANY ($1) THEN true ELSE false END),
leg AS MATERIALIZED (
  SELECT hash_record_extended(r, 0) AS h0, hash_record_extended(r, 1) AS h1, t0, t1, deparsed, nm, nss, oids FROM ({leg}) l),
-- Where more than a few trees of one key differ, as they do when each names objects of its own schema, one speaks for all.
key AS MATERIALIZED (
  SELECT h0, h1, many, many AND ({local}) AS local
    FROM (SELECT h0, h1, many, ({tree}) AS t
            FROM (SELECT h0, h1, count(*) > 16 AS many, min(oids[1]) AS o FROM leg WHERE t0 IS NOT NULL AND NOT deparsed GROUP BY h0, h1) k OFFSET 0) k),
-- Trees as text without places in the message they came in.
tree AS MATERIALIZED (
  SELECT hashtextextended(t, h0) AS s0, hashtextextended(t, h1) AS s1, * FROM (
    SELECT l.h0, l.h1, k.many, {stripped} AS t, l.nss, l.oids
      FROM (SELECT h0, h1, nss, oids, ({tree}) AS t
              FROM (SELECT h0, h1, nss, oids, oids[1] AS o FROM leg JOIN key USING (h0, h1) WHERE t0 IS NOT NULL AND NOT deparsed AND NOT local OFFSET 0) l OFFSET 0) l
      JOIN key k USING (h0, h1) OFFSET 0) t),
judged AS MATERIALIZED (
  SELECT s0, s1, is_worth AND ({local}) AS local
    FROM (SELECT s0, s1, min(t COLLATE "C") AS t, sum(cardinality(nss)) > 1 OR NOT bool_or(many) AS is_worth FROM tree GROUP BY s0, s1 OFFSET 0) t),
done AS (
  SELECT h0, h1, nss FROM leg WHERE t0 IS NULL AND NOT deparsed AND nm IS NULL
  UNION ALL SELECT s0, s1, nss FROM tree JOIN judged USING (s0, s1) WHERE NOT local
  UNION ALL SELECT hashtextextended(s.txt, x.h0), hashtextextended(s.txt, x.h1), ARRAY[x.ns]
    FROM (SELECT h0, h1, chr(2) || nm AS txt, unnest(nss) AS ns FROM leg WHERE nm IS NOT NULL OFFSET 0) x JOIN ns n ON n.oid = x.ns {neutral}),
open AS (
  SELECT h0, h1, nss, oids FROM leg WHERE deparsed
  UNION ALL SELECT h0, h1, nss, oids FROM leg JOIN key USING (h0, h1) WHERE t0 IS NOT NULL AND NOT deparsed AND local
  UNION ALL SELECT h0, h1, nss, oids FROM tree JOIN judged USING (s0, s1) WHERE local)
SELECT h0, h1, array_agg(ns) AS nss, NULL::oid[] AS oids
  FROM (SELECT ns, bit_xor(h0) AS h0, bit_xor(h1) AS h1
          FROM (SELECT nss, bit_xor(h0) AS h0, bit_xor(h1) AS h1 FROM done GROUP BY nss) g, unnest(nss) u (ns) GROUP BY ns) s
 GROUP BY h0, h1
UNION ALL
SELECT h0, h1, array_agg(u.ns), array_agg(u.oid) FROM open, unnest(nss, oids) u (ns, oid) GROUP BY h0, h1
