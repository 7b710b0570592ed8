-- Merchant identifiers at the processors: what a payment is routed and priced by.

CREATE TABLE mids (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    merchant_id    bigint NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    processor      varchar(60) NOT NULL,
    mid            varchar(32) NOT NULL,
    descriptor     varchar(25) CHECK (length(descriptor) BETWEEN 5 AND 22),
    currency       currency_code NOT NULL DEFAULT {{literal:vars.currency}},
    per_txn_limit  numeric(18, 2),
    daily_limit    numeric(18, 2),
    discount_rate  numeric(7, 5) NOT NULL DEFAULT 0.02900 CHECK (discount_rate >= 0 AND discount_rate < 1),
    txn_fee        numeric(10, 4) NOT NULL DEFAULT 0.3000 CHECK (txn_fee >= 0),
    chargeback_fee numeric(10, 4) NOT NULL DEFAULT 15 CHECK (chargeback_fee >= 0),
    reserve_pct    numeric(5, 2) NOT NULL DEFAULT 0 CHECK (reserve_pct BETWEEN 0 AND 100),
    status         varchar(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'live', 'paused', 'terminated')),
    activated_on   date,
    terminated_on  date,
    config         jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    updated_at     timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT mids_processor_mid_key UNIQUE (processor, mid),
    CONSTRAINT mids_limits_fit CHECK (per_txn_limit <= daily_limit),
    CONSTRAINT mids_dates_in_order CHECK (terminated_on >= activated_on)
);
COMMENT ON TABLE mids IS 'Merchant identifiers issued by processors';
COMMENT ON COLUMN mids.discount_rate IS 'Share of the amount: 0.02900 is 2.9 per cent';
CREATE INDEX mids_merchant_idx ON mids (merchant_id);
CREATE INDEX mids_live_idx ON mids (processor, currency) WHERE status = 'live';
CREATE TRIGGER mids_touch BEFORE UPDATE ON mids
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
CREATE TRIGGER mids_audit AFTER INSERT OR UPDATE OR DELETE ON mids
    FOR EACH ROW EXECUTE FUNCTION record_change();

-- A merchant and its first identifier point at each other, so this key waits for the commit.
ALTER TABLE merchants
    ADD COLUMN default_mid_id bigint,
    ADD CONSTRAINT merchants_default_mid_fkey FOREIGN KEY (default_mid_id) REFERENCES mids (id)
        ON DELETE SET NULL DEFERRABLE INITIALLY DEFERRED;
CREATE INDEX merchants_default_mid_idx ON merchants (default_mid_id);
