-- NOT NULL is the column's, unless its constraint says more. What a foreign key needs on the partitions of the table
-- that it refers to, or inherits from its own parent, comes with it.
SELECT 'constraint', quote_ident(r.relname) || '.' || quote_ident(k.conname), 'pg_constraint'::regclass::oid, k.oid, 0,
       CASE WHEN k.contype <> 'n' OR NOT k.convalidated OR k.connoinherit THEN
         concat_ws(' ', pg_get_constraintdef(k.oid, false),
           CASE WHEN k.coninhcount > 0 THEN CASE WHEN k.conislocal THEN 'INHERITED LOCAL' ELSE 'INHERITED' END END) END,
       NULL::text, NULL::text, NULL::oid, NULL::aclitem[], NULL::"char"
  FROM rel r JOIN pg_constraint k ON k.conrelid = r.oid
 WHERE k.contype <> 't' AND NOT (k.contype = 'f' AND k.conparentid <> 0)
UNION ALL
SELECT 'constraint', quote_ident(t.typname) || '.' || quote_ident(k.conname), 'pg_constraint'::regclass, k.oid, 0,
       CASE WHEN k.contype <> 'n' THEN pg_get_constraintdef(k.oid, false) END,
       NULL, NULL, NULL, NULL, NULL
  FROM typ t JOIN pg_constraint k ON k.contypid = t.oid
 WHERE t.typtype = 'd'
