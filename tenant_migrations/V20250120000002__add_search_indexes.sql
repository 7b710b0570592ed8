-- tenantry: timeout statement=30min
-- The back office searches in the middle of names and addresses, which only trigrams make fast.

CREATE INDEX merchants_trading_name_search ON merchants USING gin (trading_name gin_trgm_ops);
CREATE INDEX merchants_legal_name_search ON merchants USING gin (legal_name gin_trgm_ops);
CREATE INDEX stores_name_search ON stores USING gin (name gin_trgm_ops) WHERE closed_on IS NULL;
CREATE INDEX customers_display_name_search ON customers USING gin (display_name gin_trgm_ops)
    WHERE deleted_at IS NULL;
CREATE INDEX customers_phone_search ON customers USING gin (phone gin_trgm_ops)
    WHERE phone IS NOT NULL AND deleted_at IS NULL;
