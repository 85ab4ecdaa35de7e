-- Run once, when the database is created. moodline's role owns its database and nothing else: it is
-- no superuser, who could run programs and read files of the server.
\set password `cat /run/secrets/database_password`
CREATE ROLE moodline LOGIN PASSWORD :'password';
CREATE DATABASE moodline OWNER moodline;
REVOKE CONNECT ON DATABASE moodline FROM PUBLIC;
