-- How many tenants of the runs $1 are recorded in each status. A tenant that is recorded as unknown, and as applied
-- too, was committed.
SELECT s.run, s.status, pg_catalog.count(*)
  FROM (SELECT DISTINCT ON (run, tenant) run, tenant, status
          FROM tenantry.step
         WHERE run = ANY ($1::uuid[]) AND tenant <> ''
         ORDER BY run, tenant, status = 'applied' DESC, at DESC) s
 GROUP BY s.run, s.status
