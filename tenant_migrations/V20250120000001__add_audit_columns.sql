-- Who made and last changed a row. Rows from before this migration were made by the platform.

ALTER TABLE resellers
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);
ALTER TABLE developers
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);
ALTER TABLE merchants
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);
ALTER TABLE mids
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);
ALTER TABLE stores
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);
ALTER TABLE customers
    ADD COLUMN created_by varchar(120) NOT NULL DEFAULT 'platform',
    ADD COLUMN updated_by varchar(120);

COMMENT ON COLUMN merchants.created_by IS 'Login of the person or name of the machine';
