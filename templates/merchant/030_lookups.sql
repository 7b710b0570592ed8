-- Lookup tables and the rows that every tenant starts with.

CREATE TABLE merchant_categories (
    id         serial PRIMARY KEY,
    mcc        char(4) NOT NULL UNIQUE CHECK (mcc ~ '^[0-9]{4}$'),
    title      text NOT NULL,
    risk_band  varchar(10) NOT NULL DEFAULT 'standard' CHECK (risk_band IN ('low', 'standard', 'elevated', 'high')),
    is_allowed boolean NOT NULL DEFAULT true
);
COMMENT ON TABLE merchant_categories IS 'Card scheme categories that this programme boards';
COMMENT ON COLUMN merchant_categories.mcc IS 'ISO 18245 merchant category code';

INSERT INTO merchant_categories (mcc, title, risk_band, is_allowed) VALUES
    ('4121', 'Taxicabs and limousines', 'standard', true),
    ('4722', 'Travel agencies and tour operators', 'elevated', true),
    ('5411', 'Grocery stores and supermarkets', 'low', true),
    ('5541', 'Service stations', 'standard', true),
    ('5732', 'Electronics stores', 'elevated', true),
    ('5812', 'Eating places and restaurants', 'low', true),
    ('5912', 'Drug stores and pharmacies', 'standard', true),
    ('5967', 'Direct marketing, inbound telemarketing', 'high', false),
    ('7011', 'Hotels, motels and resorts', 'standard', true),
    ('7995', 'Betting and casino gaming', 'high', false),
    ('8011', 'Doctors', 'low', true);

CREATE TABLE decline_reasons (
    code         varchar(8) PRIMARY KEY,
    title        text NOT NULL,
    is_retryable boolean NOT NULL DEFAULT false
);
COMMENT ON TABLE decline_reasons IS 'Issuer response codes, as shown to merchants';

INSERT INTO decline_reasons (code, title, is_retryable) VALUES
    ('05', 'Do not honour', false),
    ('14', 'Invalid card number', false),
    ('41', 'Lost card', false),
    ('51', 'Insufficient funds', true),
    ('54', 'Expired card', false),
    ('61', 'Exceeds amount limit', true),
    ('91', 'Issuer unavailable', true),
    ('96', 'System malfunction', true);

CREATE TABLE settings (
    key        varchar(60) PRIMARY KEY,
    value      jsonb NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE settings IS 'What this programme chose, one row each';

INSERT INTO settings (key, value) VALUES
    ('settlement.currency', to_jsonb({{literal:vars.currency}}::text)),
    ('settlement.cut_off', '"23:00"'),
    ('disputes.evidence_days', '14'),
    ('payouts.minimum_amount', '25.00');
