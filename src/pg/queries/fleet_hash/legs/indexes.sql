-- Indexes; the tree is expressions and predicate.
SELECT ROW(6, trel, relname, relam, reloptions, reltablespace, indisunique, indisprimary, indisexclusion, indimmediate, indisclustered, indisvalid,
           indisready, indislive, indisreplident, nulls_not_distinct, relispartition, indnkeyatts, indkey, indoption, x, p,
           CASE WHEN NOT named THEN indclass END, CASE WHEN NOT named THEN indcollation END) AS r,
       t0, t1, named AS deparsed, NULL::text AS nm, nss, oids
  FROM (SELECT *, concat(indclass::text, ' ', indcollation::text) ~ '{user_oid}' AS named
          FROM (SELECT t.relname AS trel, c.relname, c.relam, c.reloptions, c.reltablespace, i.indisunique, i.indisprimary, i.indisexclusion,
                       i.indimmediate, i.indisclustered, i.indisvalid, i.indisready, i.indislive, i.indisreplident,
                       {indnullsnotdistinct} AS nulls_not_distinct, c.relispartition, i.indnkeyatts, i.indkey::int2[] AS indkey,
                       i.indoption::int2[] AS indoption, i.indclass, i.indcollation, i.indexprs IS NULL AS x, i.indpred IS NULL AS p,
                       CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN hashtextextended(concat(i.indexprs::text, i.indpred::text), 0) END AS t0,
                       CASE WHEN i.indexprs IS NOT NULL OR i.indpred IS NOT NULL THEN hashtextextended(concat(i.indexprs::text, i.indpred::text), 1) END AS t1,
                       array_agg(c.relnamespace) AS nss, array_agg(c.oid) AS oids
                  FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
                 WHERE CASE WHEN c.relnamespace = ANY ($1) THEN true ELSE false END AND c.relkind IN ('i','I') AND t.relkind IN ('r','p','m') AND CASE WHEN i.indrelid = ANY ($2) THEN false ELSE true END
                 GROUP BY 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25 OFFSET 0) v OFFSET 0) z
