SELECT f.fleet, f.repository, (SELECT pg_catalog.max(h.version) FROM tenantry.schema_history h)
  FROM tenantry.fleet f
