-- Trigger functions. They name no table of the schema but through TG_TABLE_SCHEMA,
-- so they are right whatever search_path the caller has.

CREATE FUNCTION touch_updated_at() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.updated_at := now();
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION touch_updated_at() IS 'Keeps updated_at current on rows that really changed';

CREATE FUNCTION record_change() RETURNS trigger
LANGUAGE plpgsql AS $$
DECLARE
    before_row jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after_row  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    EXECUTE format(
        'INSERT INTO %I.audit_logs (actor_type, action, entity_type, entity_id, before_data, after_data)
         VALUES ($1, $2, $3, $4, $5, $6)', TG_TABLE_SCHEMA)
    USING 'system', lower(TG_OP), TG_TABLE_NAME,
          (coalesce(after_row, before_row) ->> 'id')::bigint, before_row, after_row;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_change() IS 'Writes who-changed-what rows to audit_logs';
