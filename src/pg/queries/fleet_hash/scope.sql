-- $1: schemas; $2: the name of each one's history table; $3: names of readers. First the histories with their indexes and sequences.
WITH history AS (
  SELECT c.oid FROM ROWS FROM (unnest($1), unnest($2)) s (schema, name)
    JOIN pg_class c ON c.relnamespace = s.schema AND c.relname = s.name::name)
SELECT ARRAY(SELECT oid FROM history
             UNION ALL SELECT i.indexrelid FROM history h JOIN pg_index i ON i.indrelid = h.oid
             UNION ALL SELECT d.objid FROM history h JOIN pg_depend d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = h.oid
                                                     AND d.classid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a','i')),
       ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY ($3))
