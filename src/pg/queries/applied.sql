-- The migrations that ran on each tenant since it was last made, in order; once for all tenants of which they are
-- equal. NULL for those whose making isn't in the ledger. $1: the only tenants asked for, or NULL for all.
SELECT r.applied, pg_catalog.array_agg(r.id)
  FROM (SELECT t.id,
               CASE WHEN m.entry IS NOT NULL
                    THEN ARRAY(SELECT l.sha256 FROM tenantry.ledger l
                                WHERE l.tenant_uid = t.uid AND l.entry > m.entry
                                  AND l.version IS NOT NULL AND l.direction = 'up'
                                ORDER BY l.entry) END AS applied
          FROM tenantry.tenant t
         CROSS JOIN LATERAL (SELECT pg_catalog.max(l.entry) AS entry FROM tenantry.ledger l
                              WHERE l.tenant_uid = t.uid AND l.version IS NULL AND l.direction = 'up') m
         WHERE $1::text[] IS NULL OR t.id = ANY ($1::text[])) r
 GROUP BY r.applied
