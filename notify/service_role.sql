-- What the service may do in its database on PostgreSQL: everything it needs, and to the log of acts nothing but add lines.
--
-- Run it as the owner of the database (whoever runs `tocsin migrate`), after every migration:
--     psql -v ON_ERROR_STOP=1 -f notify/service_role.sql DATABASE
-- The service then connects as a login that is a member: CREATE ROLE tocsin LOGIN PASSWORD '...' IN ROLE tocsin_service;
-- Such a login neither owns a table nor may become the owner, so it can take none of this back.

BEGIN;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'tocsin_service') THEN
        CREATE ROLE tocsin_service NOLOGIN;
    END IF;
END
$$;

REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO tocsin_service;

REVOKE ALL ON ALL TABLES IN SCHEMA public FROM PUBLIC, tocsin_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO tocsin_service;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO tocsin_service;

-- The log of acts only grows; which migrations were applied is the owner's to say.
REVOKE UPDATE, DELETE ON audit FROM tocsin_service;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM tocsin_service;

COMMIT;
