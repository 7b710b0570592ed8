-- Declared extensions and all they could require: the whole view, which reads one small file a version.
SELECT v.name::text, v.version, v.superuser, v.trusted, v.requires::text[], a.default_version
  FROM pg_catalog.pg_available_extension_versions v
  JOIN pg_catalog.pg_available_extensions a ON a.name = v.name
