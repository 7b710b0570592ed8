-- The last outcome of every tenant that has one. Goes from tenant to tenant along step_tenant_idx, so that it costs
-- the same after ten runs and after a thousand. A tenant that its last run has recorded as unknown, and as applied
-- too, was committed.
WITH RECURSIVE newest (tenant, run) AS (
  (SELECT s.tenant, s.run FROM tenantry.step s WHERE s.tenant > '' ORDER BY s.tenant, s.at DESC LIMIT 1)
  UNION ALL
  SELECT next.tenant, next.run
    FROM newest n
   CROSS JOIN LATERAL (SELECT s.tenant, s.run FROM tenantry.step s
                        WHERE s.tenant > n.tenant ORDER BY s.tenant, s.at DESC LIMIT 1) next)
SELECT n.tenant, n.run, o.status,
       pg_catalog.to_char(o.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - o.at),
       o.error::text
  FROM newest n
 CROSS JOIN LATERAL (SELECT s.status, s.at, s.error FROM tenantry.step s
                      WHERE s.run = n.run AND s.tenant = n.tenant
                      ORDER BY s.status = 'applied' DESC, s.at DESC LIMIT 1) o
