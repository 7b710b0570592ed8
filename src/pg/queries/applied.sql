-- What ran on each tenant in order: versions and hashes of migrations, and an asterisk where it was made from its template;
-- once for all tenants of which that is equal. $1: the only tenants asked for, or NULL for all.
-- Read along ledger_tenant_idx in its order, since to sort within each tenant takes three times as long.
SELECT r.ran, pg_catalog.array_agg(r.tenant_uid)
  FROM (SELECT l.tenant_uid,
               pg_catalog.string_agg(CASE WHEN l.version IS NULL THEN '*' ELSE l.version || ':' || l.sha256 END, ' ') COLLATE "C" AS ran
          FROM (SELECT l.tenant_uid, l.version, l.sha256
                  FROM tenantry.ledger l
                 WHERE l.direction = 'up'
                   AND ($1::text[] IS NULL
                        OR l.tenant_uid = ANY (ARRAY(SELECT t.uid FROM tenantry.tenant t WHERE t.id = ANY ($1::text[]))))
                 ORDER BY l.tenant_uid, l.entry
                OFFSET 0) l
         GROUP BY l.tenant_uid) r
 GROUP BY r.ran
