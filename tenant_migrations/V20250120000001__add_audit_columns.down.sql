-- tenantry: allow DELETES_DATA
-- The names of authors are lost; audit_logs still has them.

ALTER TABLE customers DROP COLUMN created_by, DROP COLUMN updated_by;
ALTER TABLE stores DROP COLUMN created_by, DROP COLUMN updated_by;
ALTER TABLE mids DROP COLUMN created_by, DROP COLUMN updated_by;
ALTER TABLE merchants DROP COLUMN created_by, DROP COLUMN updated_by;
ALTER TABLE developers DROP COLUMN created_by, DROP COLUMN updated_by;
ALTER TABLE resellers DROP COLUMN created_by, DROP COLUMN updated_by;
