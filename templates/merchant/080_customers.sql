-- Card holders that a merchant knows by name. No card data: that lives in the vault.

CREATE TABLE customers (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    external_ref     uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE,
    merchant_id      bigint NOT NULL REFERENCES merchants (id) ON DELETE CASCADE,
    home_store_id    integer REFERENCES stores (id) ON DELETE SET NULL,
    email            citext,
    phone            varchar(40),
    first_name       varchar(120),
    last_name        varchar(120),
    company          varchar(200),
    display_name     text GENERATED ALWAYS AS
        (coalesce(company, coalesce(first_name || ' ', '') || coalesce(last_name, ''))) STORED,
    locale           varchar(12) NOT NULL DEFAULT 'en-US',
    vault_token      varchar(64) UNIQUE,
    marketing_opt_in boolean NOT NULL DEFAULT false,
    loyalty_points   integer NOT NULL DEFAULT 0 CHECK (loyalty_points >= 0),
    lifetime_value   numeric(18, 2) NOT NULL DEFAULT 0,
    tags             text[] NOT NULL DEFAULT '{}',
    attributes       jsonb NOT NULL DEFAULT '{}',
    first_seen_at    timestamptz NOT NULL DEFAULT now(),
    deleted_at       timestamptz,
    created_at       timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT customers_can_be_reached CHECK (num_nonnulls(email, phone, vault_token) >= 1 OR deleted_at IS NOT NULL)
);
COMMENT ON TABLE customers IS 'Customers of a merchant; erased ones keep their row and lose their data';
COMMENT ON COLUMN customers.vault_token IS 'Names the stored card in the vault';
CREATE UNIQUE INDEX customers_merchant_email_key ON customers (merchant_id, email) WHERE deleted_at IS NULL;
CREATE INDEX customers_home_store_idx ON customers (home_store_id);
CREATE INDEX customers_tags_idx ON customers USING gin (merchant_id, tags) WHERE deleted_at IS NULL;
CREATE TRIGGER customers_touch BEFORE UPDATE ON customers
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
