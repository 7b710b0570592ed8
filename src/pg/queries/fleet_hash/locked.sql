SELECT DISTINCT c.relnamespace
  FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND c.relnamespace = ANY ($1)
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
