-- Places, sites and apps where a merchant sells.

CREATE TABLE stores (
    id             serial PRIMARY KEY,
    merchant_id    bigint NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    mid_id         bigint REFERENCES mids (id) ON DELETE SET NULL,
    code           varchar(40) NOT NULL,
    name           varchar(200) NOT NULL,
    kind           varchar(20) NOT NULL DEFAULT 'physical' CHECK (kind IN ('physical', 'online', 'mobile')),
    url            varchar(500),
    phone          varchar(40),
    address_line1  varchar(255),
    city           varchar(120),
    postcode       varchar(20),
    country        char(2),
    latitude       double precision CHECK (latitude BETWEEN -90 AND 90),
    longitude      double precision CHECK (longitude BETWEEN -180 AND 180),
    timezone       varchar(64) NOT NULL DEFAULT 'UTC',
    tax_rate       numeric(6, 4) NOT NULL DEFAULT 0 CHECK (tax_rate >= 0 AND tax_rate < 1),
    terminal_count smallint NOT NULL DEFAULT 0 CHECK (terminal_count >= 0),
    opening_hours  jsonb,
    opened_on      date,
    closed_on      date,
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT stores_merchant_code_key UNIQUE (merchant_id, code),
    CONSTRAINT stores_online_has_url CHECK (kind <> 'online' OR url IS NOT NULL)
);
COMMENT ON TABLE stores IS 'Points of sale of a merchant';
CREATE INDEX stores_mid_idx ON stores (mid_id);
CREATE INDEX stores_open_idx ON stores (merchant_id, kind) WHERE closed_on IS NULL;
CREATE TRIGGER stores_touch BEFORE UPDATE ON stores
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
