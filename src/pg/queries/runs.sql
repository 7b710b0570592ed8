-- Newest first. $1: how many. $2: the first digits of their ids, or NULL for all.
SELECT r.run, r.command, r.state, r.exit_code, r.resumes, r.plan_id, r.tool_version, r.actor,
       pg_catalog.to_char(r.started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       pg_catalog.to_char(r.finished_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
       pg_catalog.cardinality(r.planned),
       pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - r.started_at),
       pg_catalog.date_part('epoch', r.finished_at - r.started_at)
  FROM tenantry.run r
 WHERE $2::text IS NULL OR pg_catalog.starts_with(pg_catalog.replace(r.run::text, '-', ''), $2)
 ORDER BY r.started_at DESC, r.run
 LIMIT $1
