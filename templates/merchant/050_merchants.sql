-- The businesses that take payments.

CREATE TABLE merchants (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_ref       uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    reseller_id        bigint REFERENCES resellers (id) ON DELETE RESTRICT,
    category_id        integer NOT NULL REFERENCES merchant_categories (id),
    legal_name         varchar(200) NOT NULL,
    trading_name       varchar(200) NOT NULL,
    registration_no    varchar(40),
    tax_id             varchar(40),
    website            varchar(500) CHECK (website ~ '^https?://'),
    contact_email      citext NOT NULL,
    contact_phone      varchar(40),
    address_line1      varchar(255),
    address_line2      varchar(255),
    city               varchar(120),
    postcode           varchar(20),
    country            char(2) NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    timezone           varchar(64) NOT NULL DEFAULT 'UTC',
    currency           currency_code NOT NULL DEFAULT {{literal:vars.currency}},
    status             merchant_status NOT NULL DEFAULT 'applied',
    risk_score         numeric(5, 2) CHECK (risk_score BETWEEN 0 AND 100),
    monthly_volume_cap numeric(18, 2) CHECK (monthly_volume_cap > 0),
    tags               text[] NOT NULL DEFAULT '{}',
    attributes         jsonb NOT NULL DEFAULT '{}',
    onboarded_at       timestamptz,
    closed_at          timestamptz,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT merchants_closed_has_date CHECK (status <> 'closed' OR closed_at IS NOT NULL),
    CONSTRAINT merchants_active_has_date CHECK (status <> 'active' OR onboarded_at IS NOT NULL)
);
COMMENT ON TABLE merchants IS 'Businesses boarded by this programme';
COMMENT ON COLUMN merchants.monthly_volume_cap IS 'Above it new payments go to review; none means no cap';
CREATE INDEX merchants_reseller_idx ON merchants (reseller_id);
CREATE INDEX merchants_category_idx ON merchants (category_id);
CREATE INDEX merchants_status_idx ON merchants (status, created_at DESC);
CREATE INDEX merchants_review_queue_idx ON merchants (created_at) WHERE status IN ('applied', 'in_review');
CREATE INDEX merchants_tags_idx ON merchants USING gin (reseller_id, tags);
CREATE INDEX merchants_attributes_idx ON merchants USING gin (attributes jsonb_path_ops);
CREATE TRIGGER merchants_touch BEFORE UPDATE ON merchants
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER merchants_audit AFTER INSERT OR UPDATE OR DELETE ON merchants
    FOR EACH ROW EXECUTE FUNCTION record_change();
