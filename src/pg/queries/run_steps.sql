-- Every step of the run $1.
SELECT s.tenant, s.action, s.status,
       pg_catalog.to_char(s.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       s.took_ms, s.error::text
  FROM tenantry.step s
 WHERE s.run = $1
 ORDER BY s.tenant, s.at, s.action
