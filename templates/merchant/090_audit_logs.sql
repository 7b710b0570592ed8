-- Who changed what. Written by record_change() and by the application.

CREATE TABLE audit_logs (
    id          bigserial PRIMARY KEY,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    actor_type  varchar(20) NOT NULL CHECK (actor_type IN ('user', 'developer', 'system')),
    actor_id    bigint,
    action      varchar(60) NOT NULL,
    entity_type varchar(60) NOT NULL,
    entity_id   bigint,
    request_id  uuid,
    ip_address  inet,
    before_data jsonb,
    after_data  jsonb
);
COMMENT ON TABLE audit_logs IS 'Append-only trail of changes';
CREATE INDEX audit_logs_occurred_idx ON audit_logs USING brin (occurred_at);
CREATE INDEX audit_logs_entity_idx ON audit_logs (entity_type, entity_id, occurred_at DESC);
CREATE INDEX audit_logs_request_idx ON audit_logs (request_id) WHERE request_id IS NOT NULL;
CREATE INDEX audit_logs_after_idx ON audit_logs USING gin (after_data jsonb_path_ops);
