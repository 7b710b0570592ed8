SELECT t.id, t.uid, t.schema_name, t.owner, t.template, t.template_address, t.history_table, t.state,
       t.generation, t.values::text
  FROM tenantry.tenant t
