-- $1: schemas; $2: the name of each one's history table; $3: names of readers.
WITH history AS (
  SELECT c.oid FROM ROWS FROM (unnest($1), unnest($2)) s (schema, name)
    JOIN pg_class c ON c.relnamespace = s.schema AND c.relname = s.name::name)
SELECT ARRAY(SELECT oid FROM history UNION ALL SELECT i.indexrelid FROM history h JOIN pg_index i ON i.indrelid = h.oid),
       ARRAY(SELECT oid FROM pg_roles WHERE rolname = ANY ($3))
