-- $1: the only tenants asked for, or NULL for all.
SELECT t.id, t.uid, t.schema_name, t.owner, t.template, t.template_address, t.history_table, t.state,
       t.generation, t.values::text
  FROM tenantry.tenant t
 WHERE $1::text[] IS NULL OR t.id = ANY ($1::text[])
