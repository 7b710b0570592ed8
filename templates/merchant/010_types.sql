-- Types that several tables share.

CREATE TYPE merchant_status AS ENUM ('applied', 'in_review', 'active', 'suspended', 'closed');
COMMENT ON TYPE merchant_status IS 'Where a merchant stands between application and closure';

CREATE DOMAIN currency_code AS char(3)
    CONSTRAINT currency_code_is_iso_4217 CHECK (VALUE ~ '^[A-Z]{3}$');
COMMENT ON DOMAIN currency_code IS 'ISO 4217 alphabetic code';
