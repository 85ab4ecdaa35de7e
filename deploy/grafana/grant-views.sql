-- A role that may read the SQL views of moodline and nothing else. Run it in moodline's database, as
-- a superuser: psql -v password=... -f grant-views.sql postgresql://postgres@HOST/moodline
-- Run it again after an upgrade of moodline, for views that are new.
DO $$
DECLARE
    view_name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') THEN
        CREATE ROLE grafana LOGIN;
    END IF;
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO grafana', current_database());
    GRANT USAGE ON SCHEMA public TO grafana;
    FOR view_name IN
        SELECT viewname FROM pg_views WHERE schemaname = 'public' AND viewname LIKE 'v\_%'
    LOOP
        EXECUTE format('GRANT SELECT ON public.%I TO grafana', view_name);
    END LOOP;
END
$$;
ALTER ROLE grafana PASSWORD :'password' CONNECTION LIMIT 10;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
