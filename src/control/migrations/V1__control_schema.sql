-- The control schema of one managed database. Runs as the connecting role, with search_path = tenantry, pg_temp.

CREATE TABLE fleet (
    one_row boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    fleet text NOT NULL,
    format integer NOT NULL,
    -- The id of the repository the fleet's backups live in, once there is one.
    repository text,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE fleet IS 'Which fleet this database belongs to; another fleet''s runs are refused.';

-- Text by its own hash, unrendered, kept for ever.
CREATE TABLE content (
    sha256 text PRIMARY KEY CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    kind text NOT NULL CHECK (kind IN ('template', 'template_file', 'migration', 'down')),
    name text NOT NULL,
    text text NOT NULL,
    added_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE content IS 'Every template, migration and down file that was ever applied, unrendered, by SHA-256.';

CREATE TABLE tenant (
    uid uuid PRIMARY KEY,
    id text NOT NULL UNIQUE,
    schema_name text NOT NULL UNIQUE,
    -- A hint only: a restore gives the schema another one.
    schema_oid oid NOT NULL,
    owner text NOT NULL,
    template text NOT NULL,
    template_address text NOT NULL REFERENCES content,
    history_table text NOT NULL,
    -- {content sha256: {placeholder: value}}, frozen for the files that used them.
    values jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'present' CHECK (state IN ('present', 'suspended', 'absent')),
    generation bigint NOT NULL DEFAULT 1,
    shape text,
    shape_version integer,
    shape_server_major integer,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK ((shape IS NULL) = (shape_version IS NULL) AND (shape IS NULL) = (shape_server_major IS NULL))
);
COMMENT ON TABLE tenant IS 'The tenants that live here. The uid is a tenant''s identity, its id is its name.';

CREATE TABLE run (
    run uuid PRIMARY KEY,
    command text NOT NULL,
    plan_id uuid,
    plan_digest text NOT NULL,
    -- Every tenant the run set out to change, in other databases too, so that one that was killed can be resumed.
    planned text[] NOT NULL,
    -- The run it carries on.
    resumes uuid,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done', 'partial', 'failed', 'interrupted')),
    exit_code integer,
    tool_version text NOT NULL,
    actor text NOT NULL DEFAULT session_user,
    started_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz
);
CREATE INDEX run_plan_id_idx ON run (plan_id) WHERE plan_id IS NOT NULL;
COMMENT ON TABLE run IS 'One row a run and database; a run that was killed stays "running".';

CREATE TABLE step (
    run uuid NOT NULL REFERENCES run,
    -- A tenant's id, or empty for a database-wide step.
    tenant text NOT NULL,
    action text NOT NULL,
    status text NOT NULL CHECK (status IN ('applied', 'unchanged', 'stale', 'failed', 'skipped', 'unknown')),
    error jsonb,
    took_ms bigint,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (run, tenant, action)
);
CREATE INDEX step_tenant_idx ON step (tenant, at DESC);
COMMENT ON TABLE step IS 'The journal: what became of each step, committed with the work where there was any.';

CREATE TABLE ledger (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_uid uuid NOT NULL,
    run uuid NOT NULL,
    sha256 text NOT NULL REFERENCES content,
    direction text NOT NULL CHECK (direction IN ('up', 'down', 'baseline')),
    -- Of a migration; none for a template.
    version bigint,
    name text NOT NULL,
    actor text NOT NULL DEFAULT session_user,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX ledger_tenant_idx ON ledger (tenant_uid, entry);
COMMENT ON TABLE ledger IS 'Append-only: what was applied to or undone from whom, when by the server''s clock, and by whom.';

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'tenantry.% is append-only', TG_TABLE_NAME;
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER content_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON content
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE reference (
    -- Over template address, history, values, server version and shape_version.
    address text PRIMARY KEY,
    shape_version integer NOT NULL,
    server_major integer NOT NULL,
    fingerprint text NOT NULL,
    lines text NOT NULL,
    lines_sha256 text NOT NULL,
    built_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE reference IS 'Shapes that templates and histories produce, built for real and kept to save the work.';

CREATE TABLE backup (
    set_id text PRIMARY KEY,
    tenant_uid uuid NOT NULL,
    tenant text NOT NULL,
    repository text NOT NULL,
    run uuid,
    state text NOT NULL CHECK (state IN ('complete', 'failed', 'pruned')),
    taken_at timestamptz NOT NULL,
    bytes bigint,
    manifest_sha256 text,
    verified text CHECK (verified IN ('checksum', 'archive', 'restore')),
    verified_at timestamptz,
    reason text,
    pinned_until timestamptz
);
CREATE INDEX backup_tenant_idx ON backup (tenant_uid, taken_at DESC);
COMMENT ON TABLE backup IS 'The backup catalogue, a cross-check of the repository.';
