DROP INDEX outbox_sealed;
ALTER TABLE outbox DROP COLUMN sealed;
DROP INDEX sessions_closed;
DROP INDEX users_superusers;
DROP INDEX users_name;
DROP INDEX users_email;
DROP INDEX users_unusual;
DROP INDEX users_tenant;
