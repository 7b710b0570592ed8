-- Partners that bring merchants, and the developers who integrate them.

CREATE TABLE resellers (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_ref   uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    name           varchar(200) NOT NULL,
    legal_name     varchar(200),
    tax_id         varchar(40),
    contact_email  citext NOT NULL,
    contact_phone  varchar(40),
    commission_bps integer NOT NULL DEFAULT 0 CHECK (commission_bps BETWEEN 0 AND 10000),
    status         varchar(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'closed')),
    settings       jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE resellers IS 'Partners that refer merchants and earn a commission';
COMMENT ON COLUMN resellers.commission_bps IS 'Share of the processing fee, in hundredths of a per cent';
CREATE INDEX resellers_active_name_idx ON resellers (name) WHERE status = 'active';
CREATE TRIGGER resellers_touch BEFORE UPDATE ON resellers
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();

CREATE TABLE developers (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    reseller_id        bigint REFERENCES resellers (id) ON DELETE SET NULL,
    name               varchar(200) NOT NULL,
    email              citext NOT NULL UNIQUE,
    api_key_prefix     char(8) UNIQUE,
    api_key_hash       bytea CHECK (octet_length(api_key_hash) = 32),
    scopes             text[] NOT NULL DEFAULT '{}',
    rate_limit_per_min integer NOT NULL DEFAULT 600 CHECK (rate_limit_per_min > 0),
    last_seen_at       timestamptz,
    revoked_at         timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT developers_key_is_whole CHECK ((api_key_prefix IS NULL) = (api_key_hash IS NULL))
);
COMMENT ON TABLE developers IS 'People and machines that call the API';
COMMENT ON COLUMN developers.api_key_hash IS 'SHA-256 of the key; the key itself is never stored';
CREATE INDEX developers_reseller_idx ON developers (reseller_id);
CREATE INDEX developers_scopes_idx ON developers USING gin (scopes) WHERE revoked_at IS NULL;
CREATE TRIGGER developers_touch BEFORE UPDATE ON developers
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
